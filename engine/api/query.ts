import { invalidArgument } from '../lib/errors.ts';
import { isObject } from '../lib/field-types.ts';
import type { Filters, Query } from './route.ts';

const FALSE_WORDS = new Set(['', '0', 'no', 'false', 'none']);

export function createQuery(search: URLSearchParams): Query {
  return {
    string: (name) => search.get(name) ?? undefined,
    all: (name) => search.getAll(name),
    boolean(name, whenAbsent = false) {
      const value = search.get(name);
      return value === null ? whenAbsent : !FALSE_WORDS.has(value.trim().toLowerCase());
    },
    integer(name) {
      const value = search.get(name);
      if (value === null || value === '') return undefined;
      if (!/^[+-]?\d{1,15}$/.test(value)) {
        throw invalidArgument(`invalid value for ${name}: '${value}' is not an integer`);
      }
      return Number(value);
    },
    filters: (allowed) => parseFilters(search.get('filters'), allowed),
  };
}

/** Both forms of the API: `{"name": ["v"]}` and the older `{"name": {"v": true}}`. */
function parseFilters(text: string | null, allowed: readonly string[] | undefined): Filters {
  const filters = new Map<string, string[]>();
  if (text) {
    for (const [name, value] of Object.entries(parseFilterObject(text))) {
      if (allowed?.includes(name) === false) throw invalidArgument(`invalid filter '${name}'`);
      filters.set(name, filterValues(name, value));
    }
  }
  return {
    has: (name) => (filters.get(name)?.length ?? 0) > 0,
    values: (name) => filters.get(name) ?? [],
  };
}

function parseFilterObject(text: string): object {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw invalidArgument('invalid filters: not valid JSON');
  }
  if (!isObject(parsed)) {
    throw invalidArgument('invalid filters: not a JSON object');
  }
  return parsed;
}

function filterValues(name: string, value: unknown): string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  if (isObject(value)) {
    const entries: [string, unknown][] = Object.entries(value);
    if (entries.every(([, set]) => typeof set === 'boolean')) {
      return entries.filter(([, set]) => set === true).map(([item]) => item);
    }
  }
  throw invalidArgument(`invalid filter '${name}': neither a list of strings nor a map of booleans`);
}
