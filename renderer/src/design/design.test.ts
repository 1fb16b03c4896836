import { describe, expect, test } from 'vitest';
import { toJsonLines } from './json-lines.ts';
import { sparklinePath } from './sparkline-path.ts';
import { compareValues, toTableItems } from './table-items.ts';

describe('grouped rows', () => {
  const rows = [
    { name: 'b', group: 'y' },
    { name: 'a' },
    { name: 'c', group: 'x' },
    { name: 'd', group: 'y' },
  ];
  const groupOf = (row: { group?: string }) => row.group;
  const flat = (collapsed: string[]) =>
    toTableItems(rows, groupOf, new Set(collapsed)).map((item) =>
      item.kind === 'group' ? item.key : item.row.name,
    );

  test('groups come first by name, rows keep their order', () => {
    expect(flat([])).toEqual(['x', 'c', 'y', 'b', 'd', 'a']);
  });

  test('a collapsed group keeps its header', () => {
    expect(flat(['y'])).toEqual(['x', 'c', 'y', 'a']);
  });
});

test('sorting is natural and puts missing values last', () => {
  expect(['c10', undefined, 'C2', 'c1'].sort(compareValues)).toEqual(['c1', 'C2', 'c10', undefined]);
  expect([10, 9, undefined].map((value) => compareValues(value, 9))).toEqual([1, 0, 1]);
});

test('a young sparkline begins at the right, and values above the top are cut', () => {
  const path = sparklinePath([0, 50], { width: 59, height: 12 }, 60, 10);
  expect(path).toBe('M58.0 11.0L59.0 1.0');
  expect(sparklinePath([1], { width: 59, height: 12 }, 60, 10)).toBe('');
});

test('JSON lines are the indented form, ready to draw', () => {
  const text = toJsonLines({ a: [1, { b: 'x' }], c: {}, d: null })
    .map(
      (line) => `${'  '.repeat(line.indent)}${line.key === undefined ? '' : `"${line.key}": `}${line.text}`,
    )
    .join('\n');
  expect(JSON.parse(text)).toEqual({ a: [1, { b: 'x' }], c: {}, d: null });
});
