import { describe, expect, it } from 'vitest';
import { parseBind, parseVolumesFrom } from './bind-spec.ts';

describe('parseBind', () => {
  it('tells host paths, named and anonymous volumes apart', () => {
    expect(parseBind('/srv/../data:/data')).toMatchObject({
      kind: 'bind',
      source: '/data',
      propagation: '',
    });
    expect(parseBind('cache:/c')).toMatchObject({ kind: 'volume', source: 'cache', mode: 'z' });
    expect(parseBind('/only')).toMatchObject({ kind: 'volume', source: '', destination: '/only', mode: '' });
  });

  it('reads modes', () => {
    expect(parseBind('/a:/b:ro,rslave,Z')).toMatchObject({ readonly: true, propagation: 'rslave' });
    expect(parseBind('v:/b:nocopy,rw')).toMatchObject({ readonly: false, noCopy: true });
  });

  it.each(['/a:/b:rx', '/a:/b:ro,rw', 'v:/b:shared', '/a:/b:nocopy', '/a:ro'])(
    'refuses the mode of %j',
    (specification) => {
      expect(() => parseBind(specification)).toThrow(/invalid (mode|volume specification)/);
    },
  );

  it.each(['', ':', '/a::ro', '/a:/b:ro:x'])('refuses %j', (specification) => {
    expect(() => parseBind(specification)).toThrow(`invalid volume specification: '${specification}'`);
  });

  it('refuses relative destinations and the root', () => {
    expect(() => parseBind('/a:b')).toThrow('mount path must be absolute');
    expect(() => parseBind('/a:/x/..')).toThrow("destination can't be '/'");
  });
});

describe('parseVolumesFrom', () => {
  it('keeps the origin mode unless one is given', () => {
    expect(parseVolumesFrom('web')).toEqual({ container: 'web', readonly: undefined });
    expect(parseVolumesFrom('web:ro')).toEqual({ container: 'web', readonly: true });
    expect(() => parseVolumesFrom('web:what')).toThrow('invalid mode: what');
  });
});
