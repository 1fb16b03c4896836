import { expect, test } from 'vitest';
import { isExternal, parseLocalOptions } from './local-options.ts';

test('options are read, and tell whether the files are elsewhere', () => {
  const bind = parseLocalOptions({ type: 'none', device: '/srv', o: 'bind' });
  expect(bind).toEqual({ type: 'none', device: '/srv', o: 'bind', sizeBytes: 0 });
  expect(isExternal(bind)).toBe(true);
  const limited = parseLocalOptions({ size: '1.5g' });
  expect(limited.sizeBytes).toBe(1.5 * 1024 ** 3);
  expect(isExternal(limited)).toBe(false);
});

test.each([
  [{ colour: 'red' }, 'invalid option: "colour"'],
  [{ toString: 'x' }, 'invalid option: "toString"'],
  [{ o: 'ro' }, 'missing required option: "device"'],
  [{ device: '/srv' }, 'missing required option: "type"'],
  [{ size: 'big' }, "invalid size: 'big'"],
  [
    { type: 'cifs', device: '//host:445/share' },
    "port not allowed in CIFS device URL, include 'port' in 'o='",
  ],
])('%j is refused: %s', (options, problem) => {
  expect(() => parseLocalOptions(options as Record<string, string>)).toThrow(problem);
});
