import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { invalidArgument } from '../lib/errors.ts';
import { nanosToFixed } from '../lib/fixed-time.ts';
import { extraAttributes } from './attributes.ts';
import { ATTRIBUTE_OPTIONS, type LogDriver, type LogSource } from './driver.ts';
import { sendingPlan } from './file-drivers.ts';
import type { LogSender, SentEntry } from './sender.ts';
import { DEFAULT_TAG, expandTag } from './tag.ts';
import { UnixDatagramTransport } from './transports.ts';

export const JOURNAL_SOCKET = '/run/systemd/journal/socket';
const PRIORITY = { stdout: '6', stderr: '3' } as const;

/** `binary`: the native helper, which sends datagrams to unix sockets. */
export const createJournaldDriver = (binary: string, socket = JOURNAL_SOCKET): LogDriver => ({
  name: 'journald',

  check(options) {
    for (const name of Object.keys(options)) {
      if (!ATTRIBUTE_OPTIONS.includes(name))
        throw invalidArgument(`unknown log opt '${name}' for journald log driver`);
    }
  },

  plan: sendingPlan,

  createSender: (source) => new JournaldSender(source, new UnixDatagramTransport(binary, socket), socket),
});

class JournaldSender implements LogSender {
  readonly #transport: UnixDatagramTransport;
  readonly #socket: string;
  readonly #fields: Buffer;
  #ordinal = 0;

  constructor(source: LogSource, transport: UnixDatagramTransport, socket: string) {
    const tag = expandTag(source.options['tag'] || DEFAULT_TAG, source);
    this.#transport = transport;
    this.#socket = socket;
    this.#fields = fieldsOf({
      CONTAINER_ID: source.id.slice(0, 12),
      CONTAINER_ID_FULL: source.id,
      CONTAINER_NAME: source.name,
      CONTAINER_TAG: tag,
      IMAGE_NAME: source.imageName,
      SYSLOG_IDENTIFIER: tag,
      CONTAINER_LOG_EPOCH: randomBytes(32).toString('hex'),
      ...extraAttributes(source, fieldName),
    });
  }

  async open(): Promise<void> {
    if (!existsSync(this.#socket)) throw new Error('journald is not enabled on this host');
    await this.#transport.open();
  }

  async send(entries: readonly SentEntry[]): Promise<void> {
    await this.#transport.write(entries.map((entry) => this.#toMessage(entry)));
  }

  close(): void {
    this.#transport.close();
  }

  #toMessage({ stream, text, timeNs, part }: SentEntry): Buffer {
    this.#ordinal += 1;
    const partFields = part && {
      CONTAINER_PARTIAL_ID: part.id,
      CONTAINER_PARTIAL_ORDINAL: String(part.ordinal),
      CONTAINER_PARTIAL_LAST: String(part.last),
      ...(part.last ? {} : { CONTAINER_PARTIAL_MESSAGE: 'true' }),
    };
    const fields = fieldsOf({
      PRIORITY: PRIORITY[stream],
      SYSLOG_TIMESTAMP: nanosToFixed(timeNs).replace(/\.?0+Z$/, 'Z'),
      CONTAINER_LOG_ORDINAL: String(this.#ordinal),
      ...partFields,
    });
    return Buffer.concat([this.#fields, fields, field('MESSAGE', text)]);
  }
}

/** A name that the journal takes: capitals, digits, underscores, none in front. Source: systemd.journal-fields(7). */
function fieldName(name: string): string {
  return name
    .toUpperCase()
    .replace(/[^A-Z0-9]/g, '_')
    .replace(/^_+/, '');
}

function fieldsOf(fields: Record<string, string>): Buffer {
  const named = Object.entries(fields).filter(([name]) => name !== '');
  return Buffer.concat(named.map(([name, value]) => field(name, Buffer.from(value))));
}

/**
 * `NAME=value\n`, or `NAME\n`, the length in 64 bits (little-endian), value, `\n` for a value with a newline.
 * Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
 */
function field(name: string, value: Buffer): Buffer {
  if (!value.includes('\n')) return Buffer.concat([Buffer.from(`${name}=`), value, Buffer.from('\n')]);
  const length = Buffer.allocUnsafe(8);
  length.writeBigUInt64LE(BigInt(value.length));
  return Buffer.concat([Buffer.from(`${name}\n`), length, value, Buffer.from('\n')]);
}
