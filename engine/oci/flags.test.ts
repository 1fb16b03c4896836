import { expect, it } from 'vitest';
import { onlyId, parseFlags } from './flags.ts';

const KINDS = { bundle: 'text', detach: 'switch', env: 'list' } as const;

it('reads flags as Go programs do, up to the first word that is none', () => {
  const { flags, rest } = parseFlags(
    ['-b', '/x', '--detach', '--env=A=1', '-env', 'B', 'id', '--env', 'theirs'],
    KINDS,
    { b: 'bundle' },
  );
  expect(flags.text('bundle')).toBe('/x');
  expect(flags.isSet('detach')).toBe(true);
  expect(flags.list('env')).toEqual(['A=1', 'B']);
  expect(rest).toEqual(['id', '--env', 'theirs']);
});

it('a switch takes a value only with =, and two dashes end the flags', () => {
  expect(parseFlags(['--detach=false', 'x'], KINDS).flags.isSet('detach')).toBe(false);
  expect(parseFlags(['--', '--detach'], KINDS).rest).toEqual(['--detach']);
});

it.each([
  [['--nope'], 'flag provided but not defined: -nope'],
  [['--constructor'], 'flag provided but not defined: -constructor'],
  [['--bundle'], 'flag needs an argument: -bundle'],
])('%j is refused', (argv, message) => {
  expect(() => parseFlags(argv, KINDS)).toThrow(message);
});

it('a container has one id', () => {
  expect(onlyId(['a'])).toBe('a');
  expect(() => onlyId([])).toThrow('container id cannot be empty');
  expect(() => onlyId(['a', 'b'])).toThrow('exactly 1 argument');
});
