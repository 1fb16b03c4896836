import { expect, test } from 'vitest';
import { formatPlatform, normalize, parsePlatform, rankPlatform } from './platform.ts';

const AMD64 = normalize({ os: 'linux', architecture: 'amd64', variant: '' });

test.each([
  ['linux/amd64', 'linux/amd64'],
  ['linux/x86_64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['arm64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/aarch64', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['armhf', 'linux/arm/v7'],
  ['linux', 'linux/amd64'],
  ['windows/amd64', 'windows/amd64'],
])('%s means %s', (text, meaning) => {
  expect(formatPlatform(parsePlatform(text, AMD64))).toBe(meaning);
});

test.each(['', 'linux/', '/amd64', 'a/b/c/d', 'linux/am d64', 'plan10'])('%j is no platform', (text) => {
  expect(() => parsePlatform(text, AMD64)).toThrow(/platform|unknown operating system/);
});

test.each([
  ['linux/amd64', 'linux/amd64', 0],
  ['linux/386', 'linux/amd64', 1],
  ['linux/amd64/v2', 'linux/amd64', undefined],
  ['linux/amd64', 'linux/amd64/v3', 2],
  ['linux/arm/v6', 'linux/arm/v7', 1],
  ['linux/arm/v7', 'linux/arm/v6', undefined],
  ['linux/arm/v7', 'linux/arm64', 2],
  ['windows/amd64', 'linux/amd64', undefined],
  ['linux/arm64', 'linux/amd64', undefined],
])('%s for %s ranks %s', (offered, wanted, rank) => {
  expect(rankPlatform(parsePlatform(offered, AMD64), parsePlatform(wanted, AMD64))).toBe(rank);
});
