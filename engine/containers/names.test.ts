import { describe, expect, it } from 'vitest';
import { generateName, normalizeName } from './names.ts';

describe('container names', () => {
  it('drops the leading slash', () => {
    expect(normalizeName('/web.1')).toBe('web.1');
  });

  it.each(['-a', 'a', 'a b', 'a/b', '', '/', 'é1'])('refuses %j with the text Docker uses', (name) => {
    expect(() => normalizeName(name)).toThrow(
      `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
    );
  });

  it('generates valid names and avoids taken ones', () => {
    const taken = new Set<string>();
    for (let count = 0; count < 200; count += 1) {
      const name = generateName((candidate) => taken.has(candidate));
      expect(taken.has(name)).toBe(false);
      expect(normalizeName(name)).toBe(name);
      taken.add(name);
    }
  });

  it('ends although every plain name is taken', () => {
    expect(generateName((name) => !/\d$/.test(name))).toMatch(/^[a-z]+_[a-z]+\d+$/);
  });
});
