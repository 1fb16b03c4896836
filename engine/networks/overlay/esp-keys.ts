import { hkdfSync } from 'node:crypto';

/** One way between two engines: what the kernel calls a state, and RFC 4301 a security association. */
export interface Way {
  /** IPv4 addresses. */
  from: string;
  to: string;
  /** What packets name it by: chosen by who receives them. */
  spi: number;
}

/** AES-256, and the four bytes of salt that RFC 4106 begins each nonce with. */
export const KEY_BYTES = 32 + 4;
/** Of what each of both engines throws in. */
export const NONCE_BYTES = 32;
/** RFC 4303: those below are reserved. */
export const FIRST_SPI = 256;

/**
 * The key of one way.
 *
 * SECURITY: GCM is broken by a nonce that is used twice with one key, and the kernel counts nonces from 1 for every
 * state. So no key is ever used for two states: each end throws in bytes that it drew for this one. They go through the
 * exchange only, whose encryption has keys that are gone afterwards: who learns the secret later decrypts nothing.
 */
export function espKey(secret: Buffer, { from, to, spi }: Way, senders: Buffer, receivers: Buffer): Buffer {
  const salt = Buffer.concat([senders, receivers]);
  return Buffer.from(hkdfSync('sha256', secret, salt, `gantry overlay esp ${from} ${to} ${spi}`, KEY_BYTES));
}
