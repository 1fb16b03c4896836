import { SyntaxMistake } from '../dockerfile/dockerfile-error.ts';
import { didYouMean } from '../dockerfile/suggestion.ts';

const TYPES = ['bind', 'cache', 'tmpfs', 'secret', 'ssh'] as const;
const SHARING = ['shared', 'private', 'locked'] as const;

/** `RUN --mount=…`, as the Dockerfile reference has it. */
export interface RunMount {
  type: (typeof TYPES)[number];
  /** Stage or image; undefined: the context (of a cache: nothing). */
  from: string | undefined;
  source: string;
  /** '': not given. */
  target: string;
  readonly: boolean;
  /** tmpfs, bytes; undefined: no limit. */
  sizeBytes: number | undefined;
  id: string | undefined;
  sharing: (typeof SHARING)[number];
  required: boolean;
  /** Secret as a variable. */
  env: string | undefined;
  mode: number | undefined;
  uid: number | undefined;
  gid: number | undefined;
}

const ALIASES: Record<string, string> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  rw: 'readwrite',
};
const KEYS = 'type from source target readonly readwrite id sharing required size mode uid gid env'
  .split(' ')
  .concat(Object.keys(ALIASES));

/** Throws SyntaxMistake with Docker's texts. */
export function parseRunMount(text: string, expand: (word: string) => string): RunMount {
  const fields = new Map<string, string>();
  for (const field of splitFields(text)) {
    const separator = field.indexOf('=');
    const given = (separator < 0 ? field : field.slice(0, separator)).toLowerCase();
    const key = ALIASES[given] ?? given;
    if (!KEYS.includes(key))
      throw new SyntaxMistake(`unexpected key '${given}' in '${field}'${didYouMean(given, KEYS)}`);
    const isFlag = key === 'readonly' || key === 'readwrite' || key === 'required';
    if (separator < 0 && !isFlag && key !== 'env')
      throw new SyntaxMistake(`invalid field '${field}' must be a key=value pair`);
    fields.set(key, separator < 0 ? (isFlag ? 'true' : '') : expand(field.slice(separator + 1)));
  }
  return checked(toMount(fields), fields);
}

function toMount(fields: ReadonlyMap<string, string>): RunMount {
  const type = oneOf(TYPES, 'mount type', fields.get('type') ?? 'bind');
  const readonlyByDefault = type !== 'cache' && type !== 'tmpfs';
  const readwrite = boolean(fields, 'readwrite');
  return {
    type,
    from: fields.get('from') || undefined,
    source: fields.get('source') ?? '',
    target: fields.get('target') ?? '',
    readonly: boolean(fields, 'readonly') ?? (readwrite === undefined ? readonlyByDefault : !readwrite),
    sizeBytes: fields.has('size') ? bytes(fields.get('size') ?? '') : undefined,
    id: fields.get('id') || undefined,
    sharing: oneOf(SHARING, 'sharing value', fields.get('sharing') ?? 'shared'),
    required: boolean(fields, 'required') ?? false,
    env: fields.get('env'),
    mode: integer(fields, 'mode', 8),
    uid: integer(fields, 'uid', 10),
    gid: integer(fields, 'gid', 10),
  };
}

function checked(mount: RunMount, fields: ReadonlyMap<string, string>): RunMount {
  const { type } = mount;
  const allowOnly = (key: string, types: readonly RunMount['type'][]): void => {
    if (fields.has(key) && !types.includes(type))
      throw new SyntaxMistake(`unexpected key '${key}' for mount type '${type}'`);
  };
  allowOnly('size', ['tmpfs']);
  allowOnly('required', ['secret', 'ssh']);
  allowOnly('sharing', ['cache']);
  allowOnly('env', ['secret']);
  for (const key of ['mode', 'uid', 'gid']) {
    if (fields.has(key) && (type === 'bind' || type === 'tmpfs'))
      throw new SyntaxMistake(`${key} not allowed for "${type}" type mounts`);
  }
  if (type === 'secret') {
    if (mount.from !== undefined) throw new SyntaxMistake('secret mount should not have a from');
    if (mount.source !== '' && mount.id !== undefined)
      throw new SyntaxMistake("both source and id can't be set");
    if (mount.source === '' && mount.target === '' && mount.id === undefined)
      throw new SyntaxMistake('invalid secret mount. one of source, target required');
  } else if (mount.target === '' && type !== 'ssh') {
    throw new SyntaxMistake(`${type} mount needs a target`);
  }
  return mount;
}

/** `a=1,b=2`; values may be quoted to hold commas. */
export function splitFields(text: string): string[] {
  const fields = text.match(/(?:"(?:""|[^"])*"|[^,"])+/g) ?? [];
  return fields.map((field) =>
    field.replaceAll(/"((?:""|[^"])*)"/g, (_, inner: string) => inner.replaceAll('""', '"')),
  );
}

function oneOf<T extends string>(known: readonly T[], what: string, value: string): T {
  const found = known.find((name) => name === value.toLowerCase());
  if (found === undefined)
    throw new SyntaxMistake(`unsupported ${what} "${value}"${didYouMean(value, known)}`);
  return found;
}

function boolean(fields: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const value = fields.get(key);
  if (value === undefined) return undefined;
  if (/^(1|t|true)$/i.test(value)) return true;
  if (/^(0|f|false)$/i.test(value)) return false;
  throw new SyntaxMistake(`invalid value for ${key}: ${value}`);
}

function integer(fields: ReadonlyMap<string, string>, key: string, radix: 8 | 10): number | undefined {
  const value = fields.get(key);
  if (value === undefined) return undefined;
  if (!(radix === 8 ? /^[0-7]{1,6}$/ : /^\d{1,10}$/).test(value))
    throw new SyntaxMistake(`invalid value ${value} for ${key}`);
  return Number.parseInt(value, radix);
}

/** `100m`, `1GiB`, … */
function bytes(text: string): number {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim()) ?? [];
  if (number === '') throw new SyntaxMistake(`invalid value for size: ${text}`);
  const power = ['', 'k', 'm', 'g', 't'].indexOf(unit.toLowerCase());
  return Math.floor(Number(number) * 1024 ** power);
}
