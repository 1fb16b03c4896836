import { expect, test } from 'vitest';
import { parseImageConfig } from './image-config.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const parse = (value: unknown) => parseImageConfig(Buffer.from(JSON.stringify(value)));

test('what an image leaves out has a value', () => {
  expect(parse({})).toEqual({ architecture: '', os: 'linux', rootfs: { type: 'layers', diff_ids: [] } });
});

test('what a builder writes is kept', () => {
  const config = {
    Env: ['A=b'],
    Cmd: null,
    Labels: { a: 'b' },
    Healthcheck: { Test: ['CMD', 'x'], Interval: 1e9 },
    ExposedPorts: { '80/tcp': {} },
  };
  const image = {
    architecture: 'arm64',
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: [digest] },
  };
  expect(parse(image)).toEqual(image);
});

test.each<[string, unknown]>([
  ['no object', []],
  ['a diff-id that is a path', { rootfs: { diff_ids: ['../../etc'] } }],
  ['diff-ids that are no list', { rootfs: { diff_ids: digest } }],
  ['too many layers', { rootfs: { diff_ids: Array(251).fill(digest) } }],
  ['another system', { os: 'windows' }],
  ['a configuration that is a list', { config: [] }],
  ['an environment of numbers', { config: { Env: [1] } }],
  ['a NUL in the command', { config: { Cmd: ['a\0b'] } }],
  ['a user that is no text', { config: { User: 0 } }],
  ['labels of objects', { config: { Labels: { a: {} } } }],
  ['volumes as a list', { config: { Volumes: ['/a'] } }],
  ['a health check of words', { config: { Healthcheck: { Test: 'true' } } }],
])('an image configuration with %s is refused', (_, value) => {
  expect(() => parse(value)).toThrow(expect.objectContaining({ kind: 'invalid-argument' }));
});
