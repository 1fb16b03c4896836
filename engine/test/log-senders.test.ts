import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LogDriver } from '../logs/driver.ts';
import { fluentdDriver } from '../logs/fluentd.ts';
import { gelfDriver } from '../logs/gelf.ts';
import { createJournaldDriver } from '../logs/journald.ts';
import type { LogSender, SentEntry } from '../logs/sender.ts';
import { makeSource } from '../logs/source-fixture.ts';
import { createSyslogDriver } from '../logs/syslog.ts';
import {
  gelfMessages,
  receiveDatagrams,
  receiveStream,
  receiveUdp,
  unpackAll,
  type Receiver,
} from './log-receivers.ts';

const BINARY = fileURLToPath(new URL('../../build/native/gantry-shim', import.meta.url));
const TIME_NS = 1_767_225_600_123_456_789n;

let scratch: string;
const receivers: Receiver[] = [];
const senders: LogSender[] = [];

beforeEach(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'gantry-logs-'));
});
afterEach(async () => {
  for (const sender of senders.splice(0)) sender.close();
  for (const receiver of receivers.splice(0)) await receiver.close();
  rmSync(scratch, { recursive: true });
});

const entry = (
  text: string | Buffer,
  stream: SentEntry['stream'] = 'stdout',
  part?: SentEntry['part'],
): SentEntry => ({
  stream,
  text: Buffer.from(text as string),
  timeNs: TIME_NS,
  part,
});
const listening = <T extends Receiver>(receiver: T): T => {
  receivers.push(receiver);
  return receiver;
};

async function open(driver: LogDriver, options: Record<string, string>): Promise<LogSender> {
  const source = makeSource(driver.name, options);
  driver.check(options);
  const sender = driver.createSender?.(source);
  if (!sender) throw new Error('no sender');
  senders.push(sender);
  await sender.open();
  return sender;
}

const syslog = createSyslogDriver(BINARY);
const lines = (receiver: Receiver): string[] =>
  receiver.messages().flatMap((bytes) => bytes.toString('latin1').split('\n').filter(Boolean));

interface Case {
  name: string;
  /** The receiver, the driver's options and what the receiver makes of the bytes: `stream text`. */
  prepare: () => Promise<{ driver: LogDriver; options: Record<string, string>; seen: () => string[] }>;
}

const SEVERITIES: Record<string, string> = { '6': 'stdout', '3': 'stderr' };
const syslogEntries = (receiver: Receiver) => (): string[] =>
  lines(receiver).map((line) => {
    const [, priority = '', text] = /^<(\d+)>.*?\]: (.*)$/.exec(line) ?? [];
    return `${SEVERITIES[Number(priority) & 7]} ${text}`;
  });

const syslogCase = (name: string, listen: () => Promise<{ receiver: Receiver; address: string }>): Case => ({
  name: `syslog over ${name}`,
  async prepare() {
    const { receiver, address } = await listen();
    listening(receiver);
    return { driver: syslog, options: { 'syslog-address': address }, seen: syslogEntries(receiver) };
  },
});

const gelfCase = (compression: string): Case => ({
  name: `gelf over udp, ${compression}`,
  async prepare() {
    const receiver = listening(await receiveUdp());
    const options = {
      'gelf-address': `udp://127.0.0.1:${receiver.port}`,
      'gelf-compression-type': compression,
    };
    return { driver: gelfDriver, options, seen: () => gelfEntries(gelfMessages(receiver.messages())) };
  },
});
const gelfEntries = (messages: Record<string, unknown>[]): string[] =>
  messages.map(({ level, short_message: text }) => `${SEVERITIES[String(level)]} ${String(text)}`);

const fluentEntries = (receiver: Receiver) => (): string[] =>
  receiver
    .messages()
    .flatMap(unpackAll)
    .map((message) => {
      const [, , record] = message as [string, unknown, { source: string; log: string }];
      return `${record.source} ${record.log}`;
    });

const CASES: Case[] = [
  syslogCase('tcp', async () => {
    const receiver = await receiveStream(0);
    return { receiver, address: `tcp://127.0.0.1:${receiver.port}` };
  }),
  syslogCase('udp', async () => {
    const receiver = await receiveUdp();
    return { receiver, address: `udp://127.0.0.1:${receiver.port}` };
  }),
  syslogCase('a unix socket', async () => {
    const file = path.join(scratch, 'log');
    return { receiver: await receiveStream(file), address: `unix://${file}` };
  }),
  syslogCase('unix datagrams', async () => {
    const file = path.join(scratch, 'log');
    return { receiver: await receiveDatagrams(file, scratch), address: `unixgram://${file}` };
  }),
  gelfCase('gzip'),
  gelfCase('zlib'),
  gelfCase('none'),
  {
    name: 'gelf over tcp',
    async prepare() {
      const receiver = listening(await receiveStream(0));
      const messages = () =>
        receiver
          .messages()
          .flatMap((bytes) => bytes.toString().split('\0').filter(Boolean))
          .map((text) => JSON.parse(text) as Record<string, unknown>);
      return {
        driver: gelfDriver,
        options: { 'gelf-address': `tcp://127.0.0.1:${receiver.port}` },
        seen: () => gelfEntries(messages()),
      };
    },
  },
  {
    name: 'fluentd over tcp',
    async prepare() {
      const receiver = listening(await receiveStream(0));
      const options = { 'fluentd-address': `127.0.0.1:${receiver.port}` };
      return { driver: fluentdDriver, options, seen: fluentEntries(receiver) };
    },
  },
  {
    name: 'fluentd over a unix socket, with acknowledgements',
    async prepare() {
      const file = path.join(scratch, 'fluent');
      const answered = new Set<string>();
      const answer = (socket: { write(data: Buffer): void }, all: Buffer): void => {
        for (const message of unpackAll(all)) {
          const { chunk } = (message as [string, number, object, { chunk: string }])[3];
          if (answered.has(chunk)) continue;
          answered.add(chunk);
          socket.write(
            Buffer.concat([
              Buffer.from([0x81, 0xa3]),
              Buffer.from('ack'),
              Buffer.from([0xb8]),
              Buffer.from(chunk),
            ]),
          );
        }
      };
      const receiver = listening(await receiveStream(file, { answer }));
      const options = { 'fluentd-address': `unix://${file}`, 'fluentd-request-ack': 'true' };
      return { driver: fluentdDriver, options, seen: fluentEntries(receiver) };
    },
  },
  {
    name: 'journald',
    async prepare() {
      const file = path.join(scratch, 'journal');
      const receiver = listening(await receiveDatagrams(file, scratch));
      const seen = () =>
        receiver.messages().map((bytes) => {
          const fields = journalFields(bytes);
          return `${SEVERITIES[fields['PRIORITY'] ?? '']} ${fields['MESSAGE']}`;
        });
      return { driver: createJournaldDriver(BINARY, file), options: {}, seen };
    },
  },
];

/** systemd's JOURNAL_NATIVE_PROTOCOL. */
function journalFields(bytes: Buffer): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf('\n', at);
    const line = bytes.toString('utf8', at, end);
    const equals = line.indexOf('=');
    if (equals >= 0) {
      fields[line.slice(0, equals)] = line.slice(equals + 1);
      at = end + 1;
    } else {
      const size = Number(bytes.readBigUInt64LE(end + 1));
      fields[line] = bytes.toString('utf8', end + 9, end + 9 + size);
      at = end + 9 + size + 1;
    }
  }
  return fields;
}

describe.each(CASES)('$name', ({ prepare }) => {
  it('delivers entries of both streams in order, batch after batch', async () => {
    const { driver, options, seen } = await prepare();
    const sender = await open(driver, options);
    const expected: string[] = [];
    for (let batch = 0; batch < 3; batch += 1) {
      const texts = Array.from({ length: 40 }, (_, index) => `line ${batch}.${index} "quoted" <&>`);
      const entries = texts.map((text, index) => entry(text, index % 3 === 0 ? 'stderr' : 'stdout'));
      await sender.send(entries);
      expected.push(...entries.map(({ stream, text }) => `${stream} ${text.toString()}`));
      await expect.poll(() => seen().length).toBe(expected.length);
    }
    expect(seen()).toEqual(expected);
  });

  it('delivers the longest line there is', async () => {
    const { driver, options, seen } = await prepare();
    const sender = await open(driver, options);
    const noise = Buffer.from(Array.from({ length: 16_384 }, (_, index) => 33 + ((index * 7919) % 90)));
    await sender.send([entry(noise)]);
    await expect.poll(() => seen().length).toBe(1);
    expect(seen()[0]?.length).toBe(noise.length + 'stdout '.length);
    expect(seen()[0]).toBe(`stdout ${noise.toString()}`);
  });

  it('rejects when the receiver has gone', async () => {
    const { driver, options, seen } = await prepare();
    const [receiver] = receivers;
    const isUdp = Object.values(options).some((value) => value.startsWith('udp:'));
    const sender = await open(driver, options);
    await sender.send([entry('first')]);
    await expect.poll(() => seen().length).toBe(1);
    if (isUdp) return;
    await receivers.pop()?.close();
    expect(receiver?.messages()).toHaveLength(1);
    // The first write after the end may still go nowhere, as with every TCP socket.
    const sendUntilItFails = async (): Promise<void> => {
      for (let count = 0; count < 50; count += 1) await sender.send([entry('x'.repeat(10_000))]);
    };
    await expect(sendUntilItFails()).rejects.toThrow();
    await expect(sender.open()).rejects.toThrow();
  });
});

it('a sender that is closed while it waits for its receiver gives up at once', async () => {
  // TEST-NET-1 (RFC 5737): nobody answers.
  const source = makeSource('syslog', { 'syslog-address': 'tcp://192.0.2.1:514' });
  const sender = syslog.createSender?.(source) as LogSender;
  const opened = sender.open();
  setImmediate(() => setImmediate(() => sender.close()));
  await expect(opened).rejects.toThrow();
});

describe('syslog', () => {
  const at = async (format: string, more: Record<string, string> = {}): Promise<string> => {
    const receiver = listening(await receiveUdp());
    const sender = await open(syslog, {
      'syslog-address': `udp://127.0.0.1:${receiver.port}`,
      ...(format ? { 'syslog-format': format } : {}),
      ...more,
    });
    await sender.send([entry(''), entry('oops', 'stderr')]);
    await expect.poll(() => receiver.messages().length).toBe(1);
    return String(receiver.messages()[0]);
  };
  const tag = 'ab'.repeat(6);
  const stamp = String.raw`[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d`;
  const zone = String.raw`(?:Z|[+-]\d\d:\d\d)`;

  it.each([
    ['', String.raw`^<27>${stamp} ${tag}\[\d+\]: oops\n$`],
    ['rfc3164', String.raw`^<27>${stamp} \S+ ${tag}\[\d+\]: oops\n$`],
    ['rfc5424', String.raw`^<27>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d${zone} \S+ ${tag} \d+ ${tag} - oops\n$`],
    ['rfc5424micro', String.raw`^<27>1 [\dT:-]+\.123456${zone} \S+ ${tag} \d+ ${tag} - oops\n$`],
  ])('writes the format %j, and no message for an empty line', async (format, pattern) => {
    expect(await at(format)).toMatch(new RegExp(pattern));
  });

  it('has facility and tag', async () => {
    expect(await at('', { 'syslog-facility': 'local7', tag: '{{.Name}}' })).toMatch(
      /^<187>.* web\[\d+\]: oops\n$/,
    );
  });

  it('speaks TLS, with a length in front of rfc5424, to who has a certificate that it trusts', async () => {
    const [key, cert] = [path.join(scratch, 'key.pem'), path.join(scratch, 'cert.pem')];
    const request = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost'];
    const names = ['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    execFileSync('openssl', [...request, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const server = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) });
    const receiver = listening(await receiveStream(0, { server }));
    const options = { 'syslog-address': `tcp+tls://localhost:${receiver.port}`, 'syslog-format': 'rfc5424' };
    await expect(open(syslog, options)).rejects.toThrow(/self.signed/i);
    const sender = await open(syslog, { ...options, 'syslog-tls-ca-cert': cert });
    await sender.send([entry('secret'), entry('two')]);
    await expect.poll(() => Buffer.concat(receiver.messages()).includes('two\n')).toBe(true);
    let rest = Buffer.concat(receiver.messages()).toString();
    const texts: string[] = [];
    while (rest !== '') {
      const [head = '', length] = /^(\d+) /.exec(rest) ?? [];
      const message = rest.slice(head.length, head.length + Number(length));
      texts.push(message.trim().split(' - ')[1] ?? '');
      rest = rest.slice(head.length + Number(length));
    }
    expect(texts).toEqual(['secret', 'two']);
    const blind = await open(syslog, { ...options, 'syslog-tls-skip-verify': '1' });
    await blind.send([entry('unverified')]);
  });
});

describe('what comes with an entry', () => {
  const labels = { labels: 'team', env: 'COLOUR', tag: '{{.Name}}' };
  const part = { id: 'p1', ordinal: 2, last: true };

  it('to fluentd: identity, attributes, the part of a line, and the time', async () => {
    const receiver = listening(await receiveStream(0));
    const options = { 'fluentd-address': `tcp://127.0.0.1:${receiver.port}`, ...labels };
    await (await open(fluentdDriver, options)).send([entry(Buffer.from([0x61, 0xff]), 'stdout', part)]);
    await (
      await open(fluentdDriver, { ...options, 'fluentd-sub-second-precision': 'true' })
    ).send([entry('b')]);
    await expect.poll(() => receiver.messages().flatMap(unpackAll).length).toBe(2);
    const record = {
      container_id: 'ab'.repeat(32),
      container_name: '/web',
      team: 'sea',
      COLOUR: 'red',
      source: 'stdout',
    };
    const parted = { partial_message: 'true', partial_id: 'p1', partial_ordinal: '2', partial_last: 'true' };
    expect(receiver.messages().flatMap(unpackAll)).toEqual([
      ['web', 1_767_225_600, { ...record, ...parted, log: 'a\u00ff' }, {}],
      ['web', { type: 0, seconds: 1_767_225_600, nanoseconds: 123_456_789 }, { ...record, log: 'b' }, {}],
    ]);
  });

  it('to gelf: everything that Docker tells of a container', async () => {
    const receiver = listening(await receiveUdp());
    const options = { 'gelf-address': `udp://127.0.0.1:${receiver.port}`, ...labels };
    await (await open(gelfDriver, options)).send([entry('', 'stdout'), entry('a', 'stderr')]);
    await expect.poll(() => receiver.messages().length).toBe(1);
    expect(gelfMessages(receiver.messages())[0]).toMatchObject({
      version: '1.1',
      short_message: 'a',
      timestamp: 1_767_225_600.123,
      level: 3,
      _container_id: 'ab'.repeat(32),
      _container_name: 'web',
      _image_id: `sha256:${'cd'.repeat(32)}`,
      _image_name: 'nginx:1',
      _command: 'nginx -g daemon off;',
      _tag: 'web',
      _created: '2026-01-01T00:00:00Z',
      _team: 'sea',
      _COLOUR: 'red',
    });
  });

  it('to the journal: fields with names that it takes, a text with newlines whole', async () => {
    const file = path.join(scratch, 'journal');
    const receiver = listening(await receiveDatagrams(file, scratch));
    const driver = createJournaldDriver(BINARY, file);
    const sender = await open(driver, { 'labels-regex': '^com', tag: '{{.Name}}' });
    await sender.send([entry('a\nb', 'stderr', part), entry('c')]);
    await expect.poll(() => receiver.messages().length).toBe(2);
    const [first, second] = receiver.messages().map(journalFields);
    expect(first).toMatchObject({
      MESSAGE: 'a\nb',
      PRIORITY: '3',
      CONTAINER_ID: 'ab'.repeat(6),
      CONTAINER_ID_FULL: 'ab'.repeat(32),
      CONTAINER_NAME: 'web',
      CONTAINER_TAG: 'web',
      SYSLOG_IDENTIFIER: 'web',
      IMAGE_NAME: 'nginx:1',
      COM_EXAMPLE_TIER: 'front',
      SYSLOG_TIMESTAMP: '2026-01-01T00:00:00.123456789Z',
      CONTAINER_PARTIAL_ID: 'p1',
      CONTAINER_PARTIAL_ORDINAL: '2',
      CONTAINER_PARTIAL_LAST: 'true',
      CONTAINER_LOG_ORDINAL: '1',
    });
    expect(first?.['CONTAINER_PARTIAL_MESSAGE']).toBeUndefined();
    expect(second).toMatchObject({ MESSAGE: 'c', CONTAINER_LOG_ORDINAL: '2' });
  });

  it('journald says when there is no journal', async () => {
    const driver = createJournaldDriver(BINARY, path.join(scratch, 'none'));
    await expect(open(driver, {})).rejects.toThrow('journald is not enabled on this host');
  });
});
