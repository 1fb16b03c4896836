import { invalidArgument } from '../lib/errors.ts';
import { hasLabel } from '../lib/labels.ts';
import type { Filters } from './route.ts';

/** `label` and `label!` filters: `key` or `key=value`; every `label` must match, no `label!` may. */
export function matchesLabels(filters: Filters, labels: Readonly<Record<string, string>>): boolean {
  const matches = (wanted: string): boolean => hasLabel(labels, wanted);
  return filters.values('label').every(matches) && !filters.values('label!').some(matches);
}

/** A filter whose values are alternatives; absent, it accepts everything. */
export function matchesAny(filters: Filters, name: string, matches: (value: string) => boolean): boolean {
  return !filters.has(name) || filters.values(name).some(matches);
}

/** A boolean filter. 400 for anything but true, false, 1 and 0. */
export function asksTrue(filters: Filters, name: string): boolean {
  return filters.values(name).some((value) => {
    if (!/^(true|false|[01tf])$/i.test(value)) throw invalidArgument(`invalid filter '${name}=[${value}]'`);
    return /^(true|1|t)$/i.test(value);
  });
}
