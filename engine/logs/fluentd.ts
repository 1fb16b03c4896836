import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { extraAttributes } from './attributes.ts';
import type { LogDriver, LogSource } from './driver.ts';
import { sendingPlan } from './file-drivers.ts';
import { checkFluentdOptions, fluentdOptions, type FluentdOptions } from './fluentd-options.ts';
import { pack, packEventTime, type PackMap } from './msgpack.ts';
import type { LogSender, SentEntry } from './sender.ts';
import { DEFAULT_TAG, expandTag } from './tag.ts';
import { dialTls, StreamTransport } from './transports.ts';

/** The key of an answer, a MessagePack string. */
const ACK = Buffer.from('\u00a3ack', 'latin1');
/** 16 bytes in base64. */
const CHUNK_LENGTH = 24;
const CHUNK = /[A-Za-z0-9+/]{22}==/;

export const fluentdDriver: LogDriver = {
  name: 'fluentd',
  check: checkFluentdOptions,
  plan: sendingPlan,
  createSender: (source) => new FluentdSender(source, fluentdOptions(source.options)),
};

/**
 * Sends in the message mode of the forward protocol, `[tag, time, record, option]`, as Docker.
 * Source: Fluentd, Forward Protocol Specification v1.
 */
class FluentdSender implements LogSender {
  readonly lazy: boolean;
  readonly retryWaitMs: number;
  readonly maxRetries: number | undefined;
  readonly #options: FluentdOptions;
  readonly #transport: StreamTransport;
  readonly #tag: string;
  readonly #record: PackMap;
  readonly #awaited = new Set<string>();
  #answers = Buffer.alloc(0);
  #wake: () => void = () => undefined;

  constructor(source: LogSource, options: FluentdOptions) {
    this.lazy = options.async;
    this.retryWaitMs = options.retryWaitMs;
    this.maxRetries = options.maxRetries;
    this.#options = options;
    this.#tag = expandTag(source.options['tag'] || DEFAULT_TAG, source);
    this.#record = {
      container_id: source.id,
      container_name: `/${source.name}`,
      ...extraAttributes(source),
    };
    const { scheme, host, port, path } = options.address;
    const onData = (data: Buffer): void => this.#receive(data);
    if (scheme === 'tls') {
      const dial = () => dialTls({ host, port, servername: host });
      this.#transport = new StreamTransport(dial, { readyEvent: 'secureConnect', onData });
    } else {
      const dial = () => (scheme === 'unix' ? connect(path) : connect(port, host));
      this.#transport = new StreamTransport(dial, { onData });
    }
  }

  async open(): Promise<void> {
    this.#awaited.clear();
    this.#answers = Buffer.alloc(0);
    await this.#transport.open();
  }

  async send(entries: readonly SentEntry[]): Promise<void> {
    const messages = entries.map((entry) => this.#toMessage(entry));
    await within(this.#options.writeTimeoutMs, this.#transport.write(messages));
    if (this.#awaited.size > 0) await within(this.#options.readTimeoutMs, this.#acknowledged());
  }

  close(): void {
    this.#transport.close();
    this.#wake();
  }

  #toMessage({ stream, text, timeNs, part }: SentEntry): Buffer {
    const record: PackMap = {
      ...this.#record,
      source: stream,
      log: text,
      ...(part && {
        partial_message: 'true',
        partial_id: part.id,
        partial_ordinal: String(part.ordinal),
        partial_last: String(part.last),
      }),
    };
    const time = this.#options.subSecondPrecision ? packEventTime(timeNs) : timeNs / 1_000_000_000n;
    return pack([this.#tag, time, record, this.#options.requestAck ? { chunk: this.#newChunk() } : {}]);
  }

  #newChunk(): string {
    const chunk = randomBytes(16).toString('base64');
    this.#awaited.add(chunk);
    return chunk;
  }

  async #acknowledged(): Promise<void> {
    while (this.#awaited.size > 0) {
      if (this.#transport.isClosed) throw new Error('the receiver has closed the connection');
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** `{"ack": chunk}`, one after the other; nothing else is ever said. */
  #receive(data: Buffer): void {
    this.#answers = Buffer.concat([this.#answers, data]);
    let end = 0;
    for (let at = this.#answers.indexOf(ACK); at >= 0; at = this.#answers.indexOf(ACK, at + 1)) {
      // One to three bytes say how long the string is.
      const text = this.#answers.toString('latin1', at + ACK.length, at + ACK.length + 3 + CHUNK_LENGTH);
      const chunk = CHUNK.exec(text);
      if (!chunk) continue;
      this.#awaited.delete(chunk[0]);
      end = at + ACK.length + chunk.index + chunk[0].length;
    }
    this.#answers = this.#answers.subarray(end);
    this.#wake();
  }
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  if (timeoutMs === 0) return work;
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('i/o timeout')), timeoutMs);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}
