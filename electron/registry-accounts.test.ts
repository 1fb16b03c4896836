import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistryAccounts } from './registry-accounts.ts';
import { fileVault, keychainVault, type SecretVault } from './secret-vault.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-accounts-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const file = () => path.join(directory, 'registries.json');
const accountsWith = (vault: SecretVault) => new RegistryAccounts(directory, async () => vault, [vault]);

/** Turns letters around: a stand-in for what a keyring's key does. */
const turned = (text: string): string => text.split('').reverse().join('');
const keychain = keychainVault({
  encryptString: (text) => Buffer.from(`sealed ${turned(text)}`),
  decryptString(encrypted) {
    const text = encrypted.toString();
    if (!text.startsWith('sealed ')) throw new Error('not ours');
    return turned(text.slice('sealed '.length));
  },
});

test('with a keyring the file has no secret, and another start can read it', async () => {
  await accountsWith(keychain).keep('registry.test:5000', 'me', 'password', 'open sesame');
  expect(readFileSync(file(), 'utf8')).not.toContain('open sesame');
  const again = accountsWith(keychain);
  expect(await again.list()).toEqual([{ server: 'registry.test:5000', username: 'me', keptBy: 'keychain' }]);
  expect(await again.forImage('registry.test:5000/team/app:1')).toEqual({
    username: 'me',
    password: 'open sesame',
    serveraddress: 'registry.test:5000',
  });
});

test('SECURITY: without a keyring the secret is in a file that only its owner can read', async () => {
  await accountsWith(fileVault).keep('docker.io', 'me', 'token', 'refresh');
  expect(statSync(file()).mode & 0o777).toBe(0o600);
  expect(await accountsWith(fileVault).forImage('busybox')).toEqual({
    username: 'me',
    identitytoken: 'refresh',
    serveraddress: 'https://index.docker.io/v1/',
  });
});

test('an account is for its own registry only, and gone after the log-out', async () => {
  const accounts = accountsWith(fileVault);
  await accounts.keep('https://registry.test/v2/', 'me', 'password', 'x');
  await accounts.keep('registry.test', 'you', 'password', 'y');
  expect(await accounts.list()).toEqual([{ server: 'registry.test', username: 'you', keptBy: 'file' }]);
  for (const name of ['busybox', 'registry.test:5000/a', 'other.test/registry.test/a'])
    expect(await accounts.forImage(name)).toBeUndefined();
  await accounts.remove('registry.test');
  expect(await accounts.forServer('registry.test')).toBeUndefined();
  expect(readFileSync(file(), 'utf8')).not.toContain('"y"');
});

test('a keyring that does not take the secret leaves it to the file', async () => {
  const broken: SecretVault = { ...keychain, seal: () => Promise.reject(new Error('locked')) };
  const accounts = accountsWith(broken);
  await accounts.keep('registry.test', 'me', 'password', 'x');
  expect(await accounts.list()).toMatchObject([{ keptBy: 'file' }]);
  expect(await accounts.forServer('registry.test')).toMatchObject({ password: 'x' });
});

test('a damaged file is no account', async () => {
  const accounts = accountsWith(fileVault);
  await accounts.keep('registry.test', 'me', 'password', 'x');
  writeFileSync(file(), '{"accounts":[{"server":5},null,7]}');
  expect(await accounts.list()).toEqual([]);
  writeFileSync(file(), '{');
  expect(await accounts.list()).toEqual([]);
});
