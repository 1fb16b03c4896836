import { expect, it } from 'vitest';
import { parseSignal } from './signals.ts';

it.each([
  ['SIGTERM', 15],
  ['term', 15],
  ['9', 9],
  ['HUP', 1],
  ['SIGRTMIN+3', 37],
  ['RTMAX-1', 63],
])('reads %s', (text, number) => {
  expect(parseSignal(text)).toBe(number);
});

it.each(['SIGNOPE', '0', '-1', 'RTMIN+40', '', '1.5'])('refuses %j', (text) => {
  expect(() => parseSignal(text)).toThrow(`invalid signal: ${text}`);
});

it('names a number that Linux does not have', () => {
  expect(() => parseSignal('65')).toThrow('the linux daemon does not support signal 65');
});
