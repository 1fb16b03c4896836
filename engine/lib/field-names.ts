import { isObject } from './field-types.ts';

/**
 * The names that an object of a client's JSON may have: each with the names of what it holds (through lists), or null.
 * `'*'` alone stands for every name: a map whose keys are the client's own.
 */
export interface FieldNames {
  [name: string]: FieldNames | null;
}

/** Names of a type, all of them: a field that is added to the type is missed here by the compiler. */
export type NamesOf<T> = Record<keyof T & string, FieldNames | null>;

/**
 * Go's decoder takes a field whatever the case of its letters, and so do clients: `value` with every known name as
 * `names` spells it. Keys of maps and unknown names stay.
 */
export function spellFields(value: unknown, names: FieldNames): unknown {
  if (Array.isArray(value)) return value.map((item) => spellFields(item, names));
  if (!isObject(value)) return value;
  const everyName = names['*'];
  const spelled: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    const known = everyName ? name : (canonical(names, name) ?? name);
    const inner = everyName ?? (Object.hasOwn(names, known) ? names[known] : null);
    // Defined, not assigned: `__proto__` is a name like any other.
    Object.defineProperty(spelled, known, {
      value: inner ? spellFields(field, inner) : field,
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return spelled;
}

const lowerCased = new WeakMap<FieldNames, Map<string, string>>();

function canonical(names: FieldNames, name: string): string | undefined {
  if (Object.hasOwn(names, name)) return name;
  let byLowerCase = lowerCased.get(names);
  if (!byLowerCase) {
    byLowerCase = new Map(Object.keys(names).map((known) => [known.toLowerCase(), known]));
    lowerCased.set(names, byLowerCase);
  }
  return byLowerCase.get(name.toLowerCase());
}
