import { parseSize } from '../lib/byte-size.ts';
import { invalidArgument } from '../lib/errors.ts';

/** What `--opt` tells the local driver; '' and 0 where it does not say. */
export interface LocalOptions {
  /** File system type as mount(2) takes it; `none` for binds. */
  type: string;
  /** What is mounted. */
  device: string;
  /** Mount options as in fstab(5). */
  o: string;
  /** Project quota; 0: no limit. */
  sizeBytes: number;
}

/** Each option with those that it cannot do without. */
const OPTIONS: Record<string, string[]> = {
  type: ['device'],
  device: ['type'],
  o: ['device', 'type'],
  size: [],
};

/** Throws invalid-argument with Docker's texts. */
export function parseLocalOptions(options: Readonly<Record<string, string>>): LocalOptions {
  const asked = Object.keys(options);
  const unknown = asked.find((option) => !Object.hasOwn(OPTIONS, option));
  if (unknown !== undefined) throw invalidArgument(`invalid option: ${JSON.stringify(unknown)}`);
  const { type = '', device = '', o = '', size } = options;
  if (type === 'cifs') checkCifsDevice(device);
  const sizeBytes = size === undefined ? 0 : parseSize(size, 1024);
  const missing = asked.flatMap((option) => OPTIONS[option] ?? []).find((option) => !asked.includes(option));
  if (missing !== undefined) throw invalidArgument(`missing required option: ${JSON.stringify(missing)}`);
  return { type, device, o, sizeBytes };
}

/** The kernel takes the port as an option, and would read one in the device as part of the name. */
function checkCifsDevice(device: string): void {
  if (/^(?:[a-z]+:)?\/\/(?:[^/]*@)?(?:[^/:]*|\[[^\]]*\]):\d+(?:\/|$)/i.test(device)) {
    throw invalidArgument("port not allowed in CIFS device URL, include 'port' in 'o='");
  }
}

/** Whether the files are elsewhere: something is mounted on the volume's directory while it is used. */
export const isExternal = ({ type, device }: LocalOptions): boolean => type !== '' || device !== '';
