import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';

/** `text` flags take a value, `switch` flags do not, `list` flags may be repeated. */
export type FlagKind = 'text' | 'switch' | 'list';

export interface Flags {
  text(name: string): string | undefined;
  isSet(name: string): boolean;
  list(name: string): string[];
  /** An absolute path; '' when the flag is not there. */
  path(name: string): string;
}

interface Parsed {
  flags: Flags;
  /** From the first argument that is no flag: what belongs to a container's process must not be read as ours. */
  rest: string[];
}

/**
 * Flags as Go programs read them: one or two dashes, `--name value` or `--name=value`, up to the first argument
 * without a dash. `short` maps letters to names. Throws invalid-argument for a flag that is not in `kinds`.
 */
export function parseFlags(
  argv: readonly string[],
  kinds: Readonly<Record<string, FlagKind>>,
  short: Readonly<Record<string, string>> = {},
): Parsed {
  const values = new Map<string, string[]>();
  let at = 0;
  for (; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (argument === '--') {
      at += 1;
      break;
    }
    const [, written, , attached] = /^--?([^-=][^=]*)(=([^]*))?$/.exec(argument) ?? [];
    if (written === undefined) break;
    const name = short[written] ?? written;
    const kind = Object.hasOwn(kinds, name) ? kinds[name] : undefined;
    if (kind === undefined) throw invalidArgument(`flag provided but not defined: -${written}`);
    let value = attached;
    if (value === undefined && kind !== 'switch') {
      at += 1;
      value = argv[at];
      if (value === undefined) throw invalidArgument(`flag needs an argument: -${written}`);
    }
    values.set(name, [...(values.get(name) ?? []), value ?? 'true']);
  }
  return {
    flags: {
      text: (name) => values.get(name)?.at(-1),
      isSet: (name) => ['true', '1'].includes(values.get(name)?.at(-1) ?? ''),
      list: (name) => values.get(name) ?? [],
      path: (name) => {
        const file = values.get(name)?.at(-1);
        return file === undefined ? '' : path.resolve(file);
      },
    },
    rest: argv.slice(at),
  };
}

export function onlyId(rest: readonly string[]): string {
  const [id] = rest;
  if (id === undefined || id === '') throw invalidArgument('container id cannot be empty');
  if (rest.length > 1) throw invalidArgument('exactly 1 argument is required: the container id');
  return id;
}
