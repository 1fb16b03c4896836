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
  ['windows(10.0.17763+win32k)/amd64', 'windows/amd64'],
])('%s means %s', (text, meaning) => {
  expect(formatPlatform(parsePlatform(text, AMD64))).toBe(meaning);
});

test.each([
  ['', '"" is an invalid OS component of ""'],
  ['/amd64', '"" is an invalid OS component of "/amd64"'],
  ['linux/', '"" is an invalid component of "linux/": platform specifier component must match'],
  ['linux/am d64', '"am d64" is an invalid component of "linux/am d64"'],
  ['a/b/c/d', '"a/b/c/d": cannot parse platform specifier'],
  ['linux/*', '"linux/*": wildcards not yet supported'],
  ['plan10', '"plan10": unknown operating system or architecture: invalid argument'],
])('%j is no platform', (text, words) => {
  expect(() => parsePlatform(text, AMD64)).toThrow(words);
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
