import { describe, expect, test } from 'vitest';
import type { ComposeDiagnostic } from '../../../../electron/api/types.ts';
import { toRange } from '../../code-editor/diagnostics.ts';
import { addProgress } from './progress.ts';
import { isProjectName } from './project-template.ts';

const at = (line?: number, column?: number, endLine?: number, endColumn?: number): ComposeDiagnostic => ({
  severity: 'error',
  message: 'x',
  line,
  column,
  endLine,
  endColumn,
});

describe('diagnostics in the text', () => {
  const text = 'services:\n  web:\n    imago: x\n';
  test('a place with an end covers exactly that', () => {
    const { from, to } = toRange(text, at(3, 5, 3, 10));
    expect(text.slice(from, to)).toBe('imago');
  });
  test('without an end the rest of the line is meant, without a line the first', () => {
    const { from, to } = toRange(text, at(2));
    expect(text.slice(from, to)).toBe('  web:');
    expect(toRange(text, at())).toEqual({ from: 0, to: 9 });
  });
  test('places beyond the text are held inside it', () => {
    expect(toRange('a', at(9, 9, 9, 9)).to).toBeLessThanOrEqual(1);
    expect(toRange('', at(1, 1))).toEqual({ from: 0, to: 0 });
  });
});

test('progress keeps one row per object, with its newest status', () => {
  const steps = [
    { kind: 'network' as const, name: 'a', status: 'Creating' },
    { kind: 'container' as const, name: 'a', status: 'Creating' },
    { kind: 'network' as const, name: 'a', status: 'Created' },
    { kind: 'container' as const, name: 'a', status: 'Error', message: 'port in use' },
  ];
  const rows = steps.reduce(addProgress, []);
  expect(rows.map((row) => [row.kind, row.phase])).toEqual([
    ['network', 'done'],
    ['container', 'failed'],
  ]);
});

test.each([
  ['shop', true],
  ['my-shop_2', true],
  ['Shop', false],
  ['-shop', false],
  ['블로그', false],
  ['', false],
])('%s as a project name: %s', (name, valid) => {
  expect(isProjectName(name)).toBe(valid);
});
