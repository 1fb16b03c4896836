import { randomBytes, randomInt } from 'node:crypto';
import { conflict, invalidArgument, messageOf } from '../../lib/errors.ts';
import { isObject } from '../../lib/field-types.ts';
import type { Logger } from '../../lib/logger.ts';
import { Mutex } from '../../lib/mutex.ts';
import { espKey, FIRST_SPI, NONCE_BYTES } from './esp-keys.ts';
import type { Ipsec } from './ipsec.ts';

interface PeerEncryptionOptions {
  /** The address of this engine. */
  own: string;
  /** What all engines know and nobody else. */
  secret: Buffer;
  ipsec: Ipsec;
  /** A network here is encrypted. */
  wanted: () => boolean;
  ask: (peer: string, request: object) => Promise<unknown>;
  /** A peer is to be told the state, and `ensure` to be called after that. */
  tell: (peer: string) => void;
  logger: Logger;
}

/** A key is not used for longer where the peer answers. */
const RENEW_MS = 60 * 60_000;

/**
 * Which keys the packets of encrypted networks have. Each engine asks for new ones for what it sends: whenever it is
 * connected to a peer anew, and every hour. The peer takes packets with the new key before it answers, and with the old
 * one until it is asked again. While a peer is not there, what the kernel has is used on.
 */
export class PeerEncryption {
  readonly #options: PeerEncryptionOptions;
  readonly #changes = new Mutex();
  /** Peers that gave a key during this connection and hour. */
  readonly #keyed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: PeerEncryptionOptions) {
    this.#options = options;
  }

  /** What an engine before this one left is put right. */
  async start(): Promise<void> {
    await this.settle();
    await this.#require();
    this.#timer = setInterval(() => void this.#renewAll(), RENEW_MS);
    this.#timer.unref();
  }

  /** Without encrypted networks, nothing of ours stays in the kernel. */
  async settle(): Promise<void> {
    if (!this.#options.wanted()) await this.#clear(this.#options.wanted);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
  }

  /** Where nobody is left to send anything. What cannot be removed stays until the next start. */
  clear(): Promise<void> {
    return this.#clear(() => false);
  }

  /** The next `ensure` brings a new key. */
  expire(peer: string): void {
    this.#keyed.delete(peer);
  }

  /** What is sent to the peer has a key from now on, unless the peer has something against it: that is logged. */
  async ensure(peer: string): Promise<void> {
    const { wanted, logger } = this.#options;
    if (this.#keyed.has(peer) || !wanted()) return;
    try {
      await this.#renew(peer);
    } catch (error) {
      logger.warn('no new key for encrypted networks', { peer, error: messageOf(error) });
    }
  }

  /** Answers a peer that asks for a key for what it sends. Throws conflict where no network is encrypted. */
  async accept(peer: string, request: Record<string, unknown>): Promise<{ spi: number; nonce: string }> {
    const { own, secret, ipsec, wanted, tell } = this.#options;
    const theirs = nonceOf(request['nonce']);
    const inUse = Array.isArray(request['inUse']) ? request['inUse'].map(spiOf) : [];
    const way = { from: peer, to: own, spi: randomInt(FIRST_SPI, 2 ** 32) };
    const ours = randomBytes(NONCE_BYTES);
    await this.#changes.run(async () => {
      if (!wanted() || this.#closed) throw conflict('no network here is encrypted');
      const before = await ipsec.between(peer, own);
      await ipsec.remove(before.filter(({ spi }) => !inUse.includes(spi)));
      await ipsec.add(way, espKey(secret, way, theirs, ours));
    });
    // Who sends with no key has none to receive with either.
    if (inUse.length === 0) this.expire(peer);
    if (!this.#keyed.has(peer)) tell(peer);
    return { spi: way.spi, nonce: ours.toString('hex') };
  }

  async #renew(peer: string): Promise<void> {
    const { own, secret, ipsec, wanted, ask } = this.#options;
    const before = await ipsec.between(own, peer);
    const ours = randomBytes(NONCE_BYTES);
    const request = { kind: 'encrypt', nonce: ours.toString('hex'), inUse: before.map(({ spi }) => spi) };
    const answer = await ask(peer, request);
    const { spi, nonce } = isObject(answer) ? answer : {};
    const way = { from: own, to: peer, spi: spiOf(spi) };
    const key = espKey(secret, way, ours, nonceOf(nonce));
    await this.#changes.run(async () => {
      if (!wanted() || this.#closed) return;
      await ipsec.add(way, key);
      this.#keyed.add(peer);
      await ipsec.remove(before);
    });
  }

  async #clear(isNeeded: () => boolean): Promise<void> {
    const { ipsec, logger } = this.#options;
    this.#keyed.clear();
    await this.#changes
      .run(() => ipsec.clear(isNeeded))
      .catch((error: unknown) => {
        logger.error('keys of encrypted networks stay', { error: messageOf(error) });
      });
  }

  async #require(): Promise<void> {
    const { wanted, ipsec, logger } = this.#options;
    if (!wanted()) return;
    await ipsec.require().catch((error: unknown) => {
      logger.error('encrypted networks reach no other engine', { error: messageOf(error) });
    });
  }

  /** Also makes good what somebody removed meanwhile. */
  async #renewAll(): Promise<void> {
    await this.#require();
    const peers = [...this.#keyed];
    this.#keyed.clear();
    for (const peer of peers) this.#options.tell(peer);
  }
}

/** SECURITY: becomes an argument of `ip`. */
function spiOf(value: unknown): number {
  if (Number.isInteger(value) && Number(value) >= FIRST_SPI && Number(value) < 2 ** 32) return Number(value);
  throw invalidArgument('a key without a number');
}

function nonceOf(value: unknown): Buffer {
  if (typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)) return Buffer.from(value, 'hex');
  throw invalidArgument('a key without its part');
}
