import { isObject } from '../lib/field-types.ts';
import { nearestWord, pathText, type Path, type Report } from './diagnostics.ts';

/** Turns one value of the document into its model, or reports why it cannot and gives undefined. */
export type Read<T> = (value: unknown, path: Path, report: Report) => T | undefined;

type Fields<T extends Record<string, Read<unknown>>> = {
  [K in keyof T]?: NonNullable<ReturnType<T[K]>>;
};

/**
 * A mapping with a closed set of keys. `later`: keys of the compose-spec that are not supported yet, parted by blanks.
 * Whatever is in neither is named too; only extensions (`x-…`) pass unread.
 */
export function fields<T extends Record<string, Read<unknown>>>(table: T, later = ''): Read<Fields<T>> {
  return (value, path, report) => {
    if (!isObject(value)) return mismatch(value, path, report, 'a mapping');
    const laterKeys = later.match(/\S+/g) ?? [];
    const result: Record<string, unknown> = {};
    for (const [key, item] of Object.entries(value)) {
      const at = [...path, key];
      const read = Object.hasOwn(table, key) ? table[key] : undefined;
      if (read) result[key] = item === null ? undefined : read(item, at, report);
      else if (!key.startsWith('x-')) reportKey(key, at, report, Object.keys(table), laterKeys);
    }
    return result as Fields<T>;
  };
}

function reportKey(key: string, path: Path, report: Report, known: string[], later: readonly string[]): void {
  const where = pathText(path);
  if (later.includes(key)) return report.error(path, `${where} is not supported yet`, 'key');
  const near = nearestWord(key, [...known, ...later]);
  const hint = near ? `, did you mean ${near}?` : '';
  report.error(path, `${where} is not a key of the compose-spec${hint}`, 'key');
}

/** A mapping with names of the user's choice; null values are read as empty mappings. */
export function mappingOf<T>(read: Read<T>, isName = /^[a-zA-Z0-9._-]+$/): Read<Map<string, T>> {
  return (value, path, report) => {
    if (!isObject(value)) return mismatch(value, path, report, 'a mapping');
    const result = new Map<string, T>();
    for (const [name, item] of Object.entries(value)) {
      const at = [...path, name];
      if (!isName.test(name))
        report.error(at, `${pathText(path)}: invalid name ${JSON.stringify(name)}`, 'key');
      const model = read(item ?? {}, at, report);
      if (model !== undefined) result.set(name, model);
    }
    return result;
  };
}

export const text: Read<string> = (value, path, report) => {
  return typeof value === 'string' ? value : mismatch(value, path, report, 'a text');
};

/** Text that is one of a few words. */
export function oneOf<T extends string>(...words: readonly T[]): Read<T> {
  return (value, path, report) => {
    const word = words.find((candidate) => candidate === value);
    return word ?? mismatch(value, path, report, words.map((w) => `"${w}"`).join(' or '));
  };
}

/** After interpolation numbers and booleans may be texts. */
export const integer: Read<number> = (value, path, report) => {
  const number = typeof value === 'string' && /^-?\d+$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? (number as number) : mismatch(value, path, report, 'an integer');
};

export const decimal: Read<number> = (value, path, report) => {
  const number = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isFinite(number) && number >= 0) return number;
  return mismatch(value, path, report, 'a number');
};

export const boolean: Read<boolean> = (value, path, report) => {
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  return mismatch(value, path, report, 'true or false');
};

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
};

/** Bytes: a number or `512m`, `1g`, `1gb`, `1.5gib`. */
export const byteSize: Read<number> = (value, path, report) => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([bkmgt]?)i?b?$/i.exec(value.trim()) : null;
  if (!match) return mismatch(value, path, report, 'a size such as 512m');
  return Math.floor(Number(match[1]) * UNITS[match[2]!.toLowerCase()]!);
};

export function listOf<T>(read: Read<T>): Read<T[]> {
  return (value, path, report) => {
    if (!Array.isArray(value)) return mismatch(value, path, report, 'a list');
    return value
      .map((item, index) => read(item, [...path, index], report))
      .filter((item): item is Awaited<T> & T => item !== undefined);
  };
}

export const textOrList: Read<string[]> = (value, path, report) => {
  return typeof value === 'string' ? [value] : listOf(text)(value, path, report);
};

/** A list, or one command line that is split as a shell splits words. */
export const commandLine: Read<string[]> = (value, path, report) => {
  if (typeof value !== 'string') return listOf(text)(value, path, report);
  const words = splitWords(value);
  if (!words) report.error(path, `${pathText(path)}: a quote is not closed`);
  return words;
};

/** `[K=V, …]` or `{K: V, …}`; a value that is absent (`K`, `K:`) is null. */
export const keyValues: Read<Map<string, string | null>> = (value, path, report) => {
  if (isObject(value)) {
    const entries = Object.entries(value).map(([key, item]): [string, string | null] => [
      key,
      item === null ? null : (scalar(item, [...path, key], report) ?? ''),
    ]);
    return new Map(entries);
  }
  const lines = listOf(text)(value, path, report);
  return lines && new Map(lines.map(splitKeyValue));
};

function splitKeyValue(line: string): [string, string | null] {
  const equals = line.indexOf('=');
  return equals === -1 ? [line, null] : [line.slice(0, equals), line.slice(equals + 1)];
}

const scalar: Read<string> = (value, path, report) => {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  return mismatch(value, path, report, 'a text, a number or a boolean');
};

/** `{K: V}` with absent values as empty texts: labels and options. */
export const plainMap: Read<Record<string, string>> = (value, path, report) => {
  const entries = keyValues(value, path, report);
  return entries && Object.fromEntries([...entries].map(([key, item]) => [key, item ?? '']));
};

/** POSIX words: blanks part, quotes and backslashes join; undefined where a quote is not closed. */
function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let index = 0; index < line.length; index += 1) {
    const letter = line[index]!;
    if (letter === '\\' && quote !== "'" && index + 1 < line.length) {
      index += 1;
      const next = line[index]!;
      const escapes = quote === '' || ['"', '\\', '$', '`'].includes(next);
      word = (word ?? '') + (escapes ? next : `\\${next}`);
    } else if (quote !== '') {
      if (letter === quote) quote = '';
      else word = (word ?? '') + letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (quote !== '') return undefined;
  return word === undefined ? words : [...words, word];
}

/** Reports `services.web.image must be a text`. */
export function mismatch(value: unknown, path: Path, report: Report, wanted: string): undefined {
  const got = value === null ? 'nothing' : Array.isArray(value) ? 'a list' : typeof value;
  report.error(
    path,
    `${pathText(path)} must be ${wanted}, not ${isObject(value) ? 'a mapping' : describe(value, got)}`,
  );
}

function describe(value: unknown, kind: string): string {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? JSON.stringify(value)
    : kind;
}
