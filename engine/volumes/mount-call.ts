import { lookup as lookUpHost } from 'node:dns/promises';
import { isIP, isIPv4 } from 'node:net';
import { EngineError, errnoOf } from '../lib/errors.ts';
import type { LocalOptions } from './local-options.ts';

/** Arguments of mount(2). */
export interface MountCall {
  type: string;
  device: string;
  /** Sum of MS_*. */
  flags: number;
  /** What is no flag: the file system's own options. */
  data: string;
}

/** The addresses of a host, in the order of preference. */
export type LookUp = (host: string) => Promise<{ address: string }[]>;

/** Of <linux/mount.h>. `off`: the word takes the flag away. */
const FLAGS: Record<string, { flag: number; off?: true }> = {
  ro: { flag: 1 },
  rw: { flag: 1, off: true },
  nosuid: { flag: 2 },
  suid: { flag: 2, off: true },
  nodev: { flag: 4 },
  dev: { flag: 4, off: true },
  noexec: { flag: 8 },
  exec: { flag: 8, off: true },
  sync: { flag: 0x10 },
  async: { flag: 0x10, off: true },
  remount: { flag: 0x20 },
  mand: { flag: 0x40 },
  nomand: { flag: 0x40, off: true },
  dirsync: { flag: 0x80 },
  noatime: { flag: 0x400 },
  atime: { flag: 0x400, off: true },
  nodiratime: { flag: 0x800 },
  diratime: { flag: 0x800, off: true },
  bind: { flag: 0x1000 },
  rbind: { flag: 0x5000 },
  unbindable: { flag: 0x2_0000 },
  runbindable: { flag: 0x2_4000 },
  private: { flag: 0x4_0000 },
  rprivate: { flag: 0x4_4000 },
  slave: { flag: 0x8_0000 },
  rslave: { flag: 0x8_4000 },
  shared: { flag: 0x10_0000 },
  rshared: { flag: 0x10_4000 },
  relatime: { flag: 0x20_0000 },
  norelatime: { flag: 0x20_0000, off: true },
  strictatime: { flag: 0x100_0000 },
  nostrictatime: { flag: 0x100_0000, off: true },
};

/** What the options of a volume mean to the kernel; names of hosts become addresses. Throws internal, as Docker. */
export async function mountCallOf(options: LocalOptions, lookUp: LookUp = lookUpAll): Promise<MountCall> {
  if (options.device === '') throw new EngineError('internal', 'missing device in volume options');
  const { device, o } = await resolveHost(options, lookUp);
  return { type: options.type, device, ...parseMountOptions(o) };
}

/** Later words win. `defaults` changes nothing. */
export function parseMountOptions(text: string): { flags: number; data: string } {
  let flags = 0;
  const data: string[] = [];
  for (const word of text.split(',')) {
    const known = Object.hasOwn(FLAGS, word) ? FLAGS[word] : undefined;
    if (known) flags = known.off ? flags & ~known.flag : flags | known.flag;
    else if (word !== '' && word !== 'defaults') data.push(word);
  }
  return { flags, data: data.join(',') };
}

/** The kernel knows no names: `addr=` of NFS and CIFS, or the host of a CIFS device where there is none. */
async function resolveHost(
  { type, device, o }: LocalOptions,
  lookUp: LookUp,
): Promise<{ device: string; o: string }> {
  if (type !== 'nfs' && type !== 'cifs') return { device, o };
  const named = o
    .split(',')
    .find((word) => word.startsWith('addr='))
    ?.slice('addr='.length);
  if (named && !isIPv4(named)) {
    return { device, o: o.replace(`addr=${named}`, `addr=${await addressOf(named, lookUp)}`) };
  }
  const host = type === 'cifs' ? /^(\/\/(?:[^/@]*@)?)([^/]+)(.*)$/.exec(device) : null;
  if (!host) return { device, o };
  const [, before = '', name = '', after = ''] = host;
  return { device: `${before}${await addressOf(name, lookUp)}${after}`, o };
}

const lookUpAll: LookUp = (host) => lookUpHost(host, { all: true });

/** IPv4 is preferred, as Go does. */
async function addressOf(host: string, lookUp: LookUp): Promise<string> {
  if (isIP(host)) return host;
  try {
    const addresses = (await lookUp(host)).map(({ address }) => address);
    const address = addresses.find((candidate) => isIPv4(candidate)) ?? addresses[0];
    if (address !== undefined) return address;
  } catch (error) {
    if (errnoOf(error) !== 'ENOTFOUND') throw unresolved(host, errnoOf(error) ?? 'failed', error);
  }
  throw unresolved(host, 'no such host');
}

function unresolved(host: string, reason: string, cause?: unknown): EngineError {
  const message = `error resolving passed in network volume address: lookup ${host}: ${reason}`;
  return new EngineError('internal', message, { cause });
}
