import { hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { espKey } from './esp-keys.ts';

const secret = Buffer.alloc(32, 1);
const way = { from: '192.0.2.1', to: '192.0.2.2', spi: 4096 };
const senders = Buffer.alloc(32, 2);
const receivers = Buffer.alloc(32, 3);

test('a key is AES-256 with a salt, derived from the secret by HKDF', () => {
  const key = espKey(secret, way, senders, receivers);
  expect(key).toHaveLength(36);
  const salt = Buffer.concat([senders, receivers]);
  const info = 'gantry overlay esp 192.0.2.1 192.0.2.2 4096';
  expect(key).toEqual(Buffer.from(hkdfSync('sha256', secret, salt, info, 36)));
});

test('SECURITY: whatever differs, the key is another', () => {
  const other = Buffer.alloc(32, 4);
  const keys = [
    espKey(secret, way, senders, receivers),
    espKey(other, way, senders, receivers),
    espKey(secret, way, other, receivers),
    espKey(secret, way, senders, other),
    espKey(secret, { ...way, spi: 4097 }, senders, receivers),
    espKey(secret, { ...way, from: way.to, to: way.from }, senders, receivers),
  ];
  expect(new Set(keys.map((key) => key.toString('hex'))).size).toBe(keys.length);
});
