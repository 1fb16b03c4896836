import { expect, test } from 'vitest';
import { createQuery } from './query.ts';

const query = (text: string) => createQuery(new URLSearchParams(text));
const filters = (value: unknown) =>
  query(`filters=${encodeURIComponent(typeof value === 'string' ? value : JSON.stringify(value))}`);

test.each(['', '0', 'no', 'false', 'none', 'False', ' no '])('boolean %j is false', (value) => {
  expect(query(`all=${value}`).boolean('all', true)).toBe(false);
});

test.each(['1', 'true', 'yes', 'x'])('boolean %j is true', (value) => {
  expect(query(`all=${value}`).boolean('all')).toBe(true);
});

test('an absent boolean has the default of its operation', () => {
  expect(query('').boolean('stream', true)).toBe(true);
  expect(query('').boolean('stream')).toBe(false);
});

test('integers are read or refused, never guessed', () => {
  expect(query('t=-1').integer('t')).toBe(-1);
  expect(query('t=').integer('t')).toBeUndefined();
  expect(() => query('t=1x').integer('t')).toThrow("'1x' is not an integer");
});

test('filters come as lists or as maps of true', () => {
  expect(
    filters({ label: ['a', 'b=c'] })
      .filters(['label'])
      .values('label'),
  ).toEqual(['a', 'b=c']);
  expect(
    filters({ label: { a: true, b: false } })
      .filters(['label'])
      .values('label'),
  ).toEqual(['a']);
  expect(filters('').filters(['label']).has('label')).toBe(false);
});

test('an unknown filter is named', () => {
  expect(() => filters({ color: ['red'] }).filters(['label'])).toThrow("invalid filter 'color'");
});

test.each(['[', '[]', '"x"', 'null', '{"label":"x"}', '{"label":[1]}', '{"label":{"x":1}}'])(
  'filters %s are refused',
  (text) => {
    expect(() => filters(text).filters(['label'])).toThrow('invalid filter');
  },
);
