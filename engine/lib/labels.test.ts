import { expect, test } from 'vitest';
import { hasLabel } from './labels.ts';

const labels = { a: '1', 'b.c': 'x=y', empty: '' };

test.each(['a', 'a=1', 'b.c=x=y', 'empty', 'empty='])('%s is there', (wanted) => {
  expect(hasLabel(labels, wanted)).toBe(true);
});

test.each(['A', 'a=', 'a=2', 'b.c=x', '=1', 'toString', 'constructor'])('%s is not there', (wanted) => {
  expect(hasLabel(labels, wanted)).toBe(false);
});
