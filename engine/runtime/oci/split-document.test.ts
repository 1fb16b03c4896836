import { expect, it } from 'vitest';
import { LATER, splitDocument } from './split-document.ts';

it('cuts the text where the shim writes its piece', () => {
  const { head, tail } = splitDocument({ before: 1, user: LATER, after: 'x' });
  expect(`${head}{"uid":0}${tail}`).toBe('{"before":1,"user":{"uid":0},"after":"x"}');
});

it('keeps 64-bit numbers exact, and strings that look like marks as they are', () => {
  const { head, tail } = splitDocument({ hard: 0xffff_ffff_ffff_ffffn, text: '"0"', user: LATER });
  expect(`${head}0${tail}`).toBe('{"hard":18446744073709551615,"text":"\\"0\\"","user":0}');
});
