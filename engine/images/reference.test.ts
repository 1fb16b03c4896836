import { expect, test } from 'vitest';
import { formatFamiliar, formatReference, parseReference, withDefaultTag } from './reference.ts';

const digest = `sha256:${'a'.repeat(64)}`;

test.each([
  ['busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
  ['team/app:v1', 'docker.io/team/app:v1', 'team/app:v1'],
  ['docker.io/busybox', 'docker.io/library/busybox:latest', 'busybox:latest'],
  ['index.docker.io/team/app', 'docker.io/team/app:latest', 'team/app:latest'],
  ['localhost/app', 'localhost/app:latest', 'localhost/app:latest'],
  ['localhost:5000/a/b:tag', 'localhost:5000/a/b:tag', 'localhost:5000/a/b:tag'],
  ['registry.example/a__b-c.d', 'registry.example/a__b-c.d:latest', 'registry.example/a__b-c.d:latest'],
  ['[::1]:5000/a', '[::1]:5000/a:latest', '[::1]:5000/a:latest'],
  [`busybox@${digest}`, `docker.io/library/busybox@${digest}`, `busybox@${digest}`],
  [`busybox:1@${digest}`, `docker.io/library/busybox:1@${digest}`, `busybox:1@${digest}`],
])('%s means %s and is shown as %s', (text, canonical, familiar) => {
  const reference = withDefaultTag(parseReference(text));
  expect(formatReference(reference)).toBe(canonical);
  expect(formatFamiliar(reference)).toBe(familiar);
});

test.each([
  ['', 'invalid reference format'],
  ['/a', 'invalid reference format'],
  ['a//b', 'invalid reference format'],
  ['a:b:c', 'invalid reference format'],
  ['-a', 'invalid reference format'],
  ['a:', 'invalid reference format'],
  [`a:${'t'.repeat(129)}`, 'invalid reference format'],
  ['a@sha256:1234', 'invalid reference format'],
  ['../../etc/passwd', 'invalid reference format'],
  ['Foo', 'invalid reference format: repository name (library/Foo) must be lowercase'],
  ['host:5000/Foo/bar:X', 'invalid reference format: repository name (Foo/bar) must be lowercase'],
  [
    'a'.repeat(64),
    `invalid repository name (${'a'.repeat(64)}), cannot specify 64-byte hexadecimal strings: invalid reference format`,
  ],
  [
    `team/${'a'.repeat(250)}`,
    'invalid reference format: repository name must not be more than 255 characters',
  ],
])('%j is refused: %s', (text, message) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ kind: 'invalid-argument', message }));
});
