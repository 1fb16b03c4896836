import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { hostname } from 'node:os';
import { deflateSync, gzipSync } from 'node:zlib';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { hostPort, parseAddress, type ReceiverAddress } from './address.ts';
import { extraAttributes } from './attributes.ts';
import { ATTRIBUTE_OPTIONS, type LogDriver, type LogOptions, type LogSource } from './driver.ts';
import { sendingPlan } from './file-drivers.ts';
import type { LogSender, SentEntry } from './sender.ts';
import { DEFAULT_TAG, expandTag } from './tag.ts';
import { StreamTransport, UdpTransport, type Transport } from './transports.ts';

const LEVELS = { stdout: 6, stderr: 3 } as const;
const DATAGRAM_BYTES = 1420;
const CHUNK_HEAD_BYTES = 12;
const MAX_CHUNKS = 128;
const FASTEST = 1;

export const gelfDriver: LogDriver = {
  name: 'gelf',

  check(options) {
    const { scheme } = gelfAddress(options);
    for (const [name, value] of Object.entries(options)) checkOption(name, value, scheme);
  },

  plan: sendingPlan,

  createSender(source) {
    const { scheme, host, port = 0 } = gelfAddress(source.options);
    return scheme === 'udp'
      ? new GelfSender(source, new UdpTransport(host, port), (json) => toDatagrams(json, source.options))
      : new GelfSender(source, new StreamTransport(() => connect(port, host)), (json) => [
          Buffer.concat([json, Buffer.from([0])]),
        ]);
  },
};

class GelfSender implements LogSender {
  readonly retryWaitMs: number;
  readonly maxRetries: number | undefined;
  readonly #transport: Transport;
  readonly #toMessages: (json: Buffer) => Buffer[];
  readonly #address: string;
  readonly #extra: Record<string, string>;

  constructor(source: LogSource, transport: Transport, toMessages: (json: Buffer) => Buffer[]) {
    const { options } = source;
    const { host, port = 0 } = gelfAddress(options);
    this.#transport = transport;
    this.#toMessages = toMessages;
    this.#address = hostPort(host, port);
    const retries = options['gelf-tcp-max-reconnect'];
    this.maxRetries = retries === undefined ? undefined : Number(retries);
    this.retryWaitMs = Number(options['gelf-tcp-reconnect-delay'] ?? 1) * 1000;
    this.#extra = {
      _container_id: source.id,
      _container_name: source.name,
      _image_id: source.imageId,
      _image_name: source.imageName,
      _command: source.command.join(' '),
      _tag: expandTag(options['tag'] || DEFAULT_TAG, source),
      _created: source.createdAt,
      ...extraAttributes(source, (name) => (name.startsWith('_') ? name : `_${name}`)),
    };
  }

  async open(): Promise<void> {
    try {
      await this.#transport.open();
    } catch (cause) {
      const message = `gelf: cannot connect to GELF endpoint: ${this.#address} ${messageOf(cause)}`;
      throw new Error(message, { cause });
    }
  }

  async send(entries: readonly SentEntry[]): Promise<void> {
    const messages = entries
      // An empty line is no message, as in Docker.
      .filter(({ text }) => text.length > 0)
      .flatMap((entry) => this.#toMessages(this.#toJson(entry)));
    if (messages.length > 0) await this.#transport.write(messages);
  }

  close(): void {
    this.#transport.close();
  }

  #toJson({ stream, text, timeNs }: SentEntry): Buffer {
    const message = {
      version: '1.1',
      host: hostname(),
      short_message: text.toString(),
      timestamp: Number(timeNs / 1_000_000n) / 1000,
      level: LEVELS[stream],
      ...this.#extra,
    };
    return Buffer.from(JSON.stringify(message));
  }
}

/** Compressed, and in chunks where one datagram is too small. Too large for 128 of them: left out, as Docker does. */
function toDatagrams(json: Buffer, options: LogOptions): Buffer[] {
  const level = Number(options['gelf-compression-level'] ?? FASTEST);
  const type = options['gelf-compression-type'] ?? 'gzip';
  const compressed =
    type === 'none' ? json : type === 'zlib' ? deflateSync(json, { level }) : gzipSync(json, { level });
  if (compressed.length <= DATAGRAM_BYTES) return [compressed];
  const size = DATAGRAM_BYTES - CHUNK_HEAD_BYTES;
  const count = Math.ceil(compressed.length / size);
  if (count > MAX_CHUNKS) return [];
  const id = randomBytes(8);
  return Array.from({ length: count }, (_, index) =>
    Buffer.concat([
      Buffer.from([0x1e, 0x0f]),
      id,
      Buffer.from([index, count]),
      compressed.subarray(index * size, (index + 1) * size),
    ]),
  );
}

function gelfAddress(options: LogOptions): ReceiverAddress {
  const text = options['gelf-address'];
  if (!text) throw invalidArgument('gelf-address is a required parameter');
  const address = parseAddress(text);
  if (address.scheme !== 'udp' && address.scheme !== 'tcp') {
    throw invalidArgument('gelf: endpoint needs to be TCP or UDP');
  }
  if (address.port === undefined) {
    throw invalidArgument('gelf: please provide gelf-address as proto://host:port');
  }
  return address;
}

function checkOption(name: string, value: string, scheme: string): void {
  const unknown = `unknown value "${value}" for log opt "${name}" for gelf log driver`;
  switch (name) {
    case 'gelf-address':
      return;
    case 'gelf-compression-type':
      if (scheme !== 'udp') throw invalidArgument('compression is only supported on UDP');
      if (!['gzip', 'zlib', 'none'].includes(value)) throw invalidArgument(unknown);
      return;
    case 'gelf-compression-level':
      if (scheme !== 'udp') throw invalidArgument('compression is only supported on UDP');
      if (!/^(?:-1|[0-9])$/.test(value)) throw invalidArgument(unknown);
      return;
    case 'gelf-tcp-max-reconnect':
    case 'gelf-tcp-reconnect-delay':
      if (scheme !== 'tcp') throw invalidArgument(`"${name}" is only valid for TCP`);
      if (!/^\d{1,9}$/.test(value)) throw invalidArgument(`"${name}" must be a positive integer`);
      return;
    default:
      if (!ATTRIBUTE_OPTIONS.includes(name))
        throw invalidArgument(`unknown log opt "${name}" for gelf log driver`);
  }
}
