import { expect, test } from 'vitest';
import { parseChallenges } from './challenge.ts';

test.each([
  [undefined, []],
  ['Basic realm="Registry Realm"', [{ scheme: 'basic', parameters: { realm: 'Registry Realm' } }]],
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push"',
    [
      {
        scheme: 'bearer',
        parameters: {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:a/b:pull,push',
        },
      },
    ],
  ],
  [
    'Bearer realm="x", error=invalid_token, Basic realm="a \\"b\\" c"',
    [
      { scheme: 'bearer', parameters: { realm: 'x', error: 'invalid_token' } },
      { scheme: 'basic', parameters: { realm: 'a "b" c' } },
    ],
  ],
  [
    'Negotiate, Basic realm=x',
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'x' } },
    ],
  ],
  ['Bearer realm="never closed', [{ scheme: 'bearer', parameters: {} }]],
  ['=,=,"', []],
])('%s', (header, challenges) => {
  expect(parseChallenges(header)).toMatchObject(challenges);
});

test('a header that is made to be slow is read quickly', () => {
  const hostile = `Bearer ${'a="\\'.repeat(5000)}`;
  expect(parseChallenges(hostile).length).toBeLessThan(5001);
  expect(parseChallenges(','.repeat(50_000))).toEqual([]);
});
