import { randomUUID } from 'node:crypto';
import type { SplitDocument } from '../plan.ts';

/** Stands for what only the shim can know: see `splitDocument`. */
export const LATER = Symbol('filled in by the shim');

/**
 * `value` as JSON, cut in two where it has `LATER`: the shim writes head, its own piece, tail, and needs no JSON
 * parser. Bigints become plain numbers, which JSON.stringify alone refuses: limits are 64 bits wide.
 */
export function splitDocument(value: object): SplitDocument {
  // Unguessable: nothing that a client chose can be taken for a mark.
  const mark = randomUUID();
  const text = JSON.stringify(value, (_, item: unknown) => {
    if (item === LATER) return mark;
    return typeof item === 'bigint' ? `${mark}${item}` : item;
  });
  const numbers = text.replaceAll(new RegExp(`"${mark}(\\d+)"`, 'g'), '$1');
  const [head = '', tail = ''] = numbers.split(`"${mark}"`);
  return { head, tail };
}
