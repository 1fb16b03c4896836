import { SyntaxMistake } from './dockerfile-error.ts';
import { didYouMean } from './suggestion.ts';

/** How often and with what a flag may stand: once with a value, many times with values, or alone. */
type FlagKind = 'value' | 'values' | 'boolean';

/** Values by flag; of a boolean `true` or `false`. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  value(name: string): string | undefined {
    return this.#values.get(name)?.[0];
  }

  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  /** undefined: not given. */
  isTrue(name: string): boolean | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : value === 'true';
  }
}

/** Takes the leading `--flag` words off an instruction's arguments. */
export function splitFlags(args: string, escape: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (/\s/.test(args.charAt(at))) at += 1;
    if (!args.startsWith('--', at)) return { flags, rest: args.slice(at).trim() };
    const [word, end] = readFlagWord(args, at, escape);
    at = end;
    if (word === '--') return { flags, rest: args.slice(at).trim() };
    flags.push(word);
  }
}

/** One word with quotes and escapes resolved, and the index behind it. */
function readFlagWord(args: string, start: number, escape: string): [word: string, end: number] {
  let word = '';
  let quote: string | undefined;
  let at = start;
  for (; at < args.length; at += 1) {
    const character = args.charAt(at);
    if (quote === undefined && /\s/.test(character)) break;
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) quote = character;
    else if (character === escape) {
      at += 1;
      word += args.charAt(at);
    } else word += character;
  }
  return [word, at];
}

/** Checks flags against those that the instruction knows; throws SyntaxMistake with Docker's texts. */
export function parseFlags(given: readonly string[], known: Readonly<Record<string, FlagKind>>): Flags {
  const values = new Map<string, string[]>();
  for (const flag of given) {
    const separator = flag.indexOf('=');
    const name = flag.slice(2, separator < 0 ? undefined : separator);
    const value = separator < 0 ? undefined : flag.slice(separator + 1);
    const kind = known[name];
    if (kind === undefined)
      throw new SyntaxMistake(`unknown flag: --${name}${didYouMean(name, Object.keys(known))}`);
    const before = values.get(name);
    if (before && kind !== 'values') throw new SyntaxMistake(`duplicate flag specified: --${name}`);
    values.set(name, [
      ...(before ?? []),
      kind === 'boolean' ? readBoolean(name, value) : required(name, value),
    ]);
  }
  return new Flags(values);
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new SyntaxMistake(`missing a value on flag: --${name}`);
  return value;
}

function readBoolean(name: string, value: string | undefined): string {
  if (value === '') throw new SyntaxMistake(`missing a value on flag: --${name}`);
  const text = (value ?? 'true').toLowerCase();
  if (text === 'true' || text === 'false') return text;
  throw new SyntaxMistake(`expecting boolean value for flag --${name}, not: ${value}`);
}
