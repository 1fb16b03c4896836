import { useCallback, useState } from 'react';

/** State kept in localStorage under `gantry.<key>`; values that do not parse or fail `accepts` are forgotten. */
export function useRemembered<T>(
  key: string,
  initial: T,
  accepts: (value: unknown) => value is T,
): [T, (next: T) => void] {
  const storageKey = `gantry.${key}`;
  const [value, setValue] = useState<T>(() => readRemembered(storageKey, initial, accepts));
  const remember = useCallback(
    (next: T) => {
      setValue(next);
      window.localStorage.setItem(storageKey, JSON.stringify(next));
    },
    [storageKey],
  );
  return [value, remember];
}

function readRemembered<T>(storageKey: string, initial: T, accepts: (value: unknown) => value is T): T {
  try {
    const stored: unknown = JSON.parse(window.localStorage.getItem(storageKey) ?? 'null');
    return accepts(stored) ? stored : initial;
  } catch {
    return initial;
  }
}

export const isString = (value: unknown): value is string => typeof value === 'string';
export const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
export const isStringArray = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(isString);
