import { expect, it } from 'vitest';
import { parseTmpfsOptions } from './tmpfs-options.ts';

it('starts from noexec, nosuid, nodev and lets options change it', () => {
  expect(parseTmpfsOptions('')).toEqual({ flags: ['noexec', 'nosuid', 'nodev'], data: '' });
  expect(parseTmpfsOptions('rw,exec,ro,size=64m,mode=1777')).toEqual({
    flags: ['nosuid', 'nodev', 'ro'],
    data: 'size=64m,mode=1777',
  });
});

it('refuses what tmpfs does not know', () => {
  expect(() => parseTmpfsOptions('size')).toThrow('invalid tmpfs option ["size"]');
  expect(() => parseTmpfsOptions('bind')).toThrow('invalid tmpfs option ["bind"]');
});
