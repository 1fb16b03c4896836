import { expect, test } from 'vitest';
import { acceptedType } from './accepted-type.ts';

const OFFERS = ['application/jsonl', 'application/json-seq'];

test('a type that is named is taken, wildcards name none', () => {
  expect(acceptedType('text/html, application/json-seq', OFFERS)).toBe('application/json-seq');
  expect(acceptedType('*/*, application/*', OFFERS)).toBeUndefined();
  expect(acceptedType(undefined, OFFERS)).toBeUndefined();
});

test('the greatest weight wins, then the order of the offers; zero means no', () => {
  expect(acceptedType('application/jsonl;q=0.5, application/json-seq;q=0.9', OFFERS)).toBe(OFFERS[1]);
  expect(acceptedType('application/json-seq, application/jsonl', OFFERS)).toBe(OFFERS[0]);
  expect(acceptedType('application/jsonl; q=0', OFFERS)).toBeUndefined();
});
