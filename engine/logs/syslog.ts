import { readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { invalidArgument } from '../lib/errors.ts';
import { checkExists, parseAddress, type ReceiverAddress } from './address.ts';
import { ATTRIBUTE_OPTIONS, type LogDriver, type LogOptions } from './driver.ts';
import { sendingPlan } from './file-drivers.ts';
import type { LogSender, SentEntry } from './sender.ts';
import { syslogMessage, withLength, type SyslogFormat } from './syslog-message.ts';
import { DEFAULT_TAG, expandTag } from './tag.ts';
import {
  dialTls,
  StreamTransport,
  UdpTransport,
  UnixDatagramTransport,
  type Transport,
} from './transports.ts';

const DEFAULT_PORT = 514;
const SECURE = 'tcp+tls';
/** Where local daemons listen; tried in this order when no address is given. */
const LOCAL_SOCKETS = ['/dev/log', '/var/run/syslog', '/var/run/log'];
/** By number: RFC 5424, table 1; 12 to 15 have no names. */
const FACILITIES =
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp 12 13 14 15 local0 local1 local2 local3 local4 local5 local6 local7'.split(
    ' ',
  );
const OPTIONS = new Set([
  ...ATTRIBUTE_OPTIONS,
  'syslog-address',
  'syslog-facility',
  'syslog-tls-ca-cert',
  'syslog-tls-cert',
  'syslog-tls-key',
  'syslog-tls-skip-verify',
  'syslog-format',
]);

/** `binary`: the native helper, for datagrams to unix sockets. */
export const createSyslogDriver = (binary: string): LogDriver => ({
  name: 'syslog',

  check(options) {
    for (const name of Object.keys(options)) {
      if (!OPTIONS.has(name)) throw invalidArgument(`unknown log opt '${name}' for syslog log driver`);
    }
    syslogAddress(options);
    facilityOf(options);
    formatOf(options);
  },

  plan: sendingPlan,

  createSender(source) {
    const address = syslogAddress(source.options);
    const heading = {
      format: formatOf(source.options),
      facility: facilityOf(source.options),
      tag: expandTag(source.options['tag'] || DEFAULT_TAG, source),
    };
    const framed = address?.scheme === SECURE && heading.format.startsWith('rfc5424');
    const toMessage = (entry: SentEntry): Buffer => {
      const message = syslogMessage(heading, entry);
      return framed ? withLength(message) : message;
    };
    return new SyslogSender(() => transportsTo(address, source.options, binary), toMessage);
  },
});

class SyslogSender implements LogSender {
  readonly #candidates: () => Transport[];
  readonly #toMessage: (entry: SentEntry) => Buffer;
  #transport: Transport | undefined;

  constructor(candidates: () => Transport[], toMessage: (entry: SentEntry) => Buffer) {
    this.#candidates = candidates;
    this.#toMessage = toMessage;
  }

  async open(): Promise<void> {
    this.close();
    let failure: unknown = new Error('Unix syslog delivery error');
    for (const transport of this.#candidates()) {
      this.#transport = transport;
      try {
        await transport.open();
        return;
      } catch (error) {
        this.close();
        failure = error;
      }
    }
    throw failure;
  }

  async send(entries: readonly SentEntry[]): Promise<void> {
    // An empty line is no message, as in Docker.
    const messages = entries.filter(({ text }) => text.length > 0).map(this.#toMessage);
    if (messages.length > 0) await this.#transport?.write(messages);
  }

  close(): void {
    this.#transport?.close();
    this.#transport = undefined;
  }
}

/** What may reach the address, to be tried in turn: only without an address there is more than one. */
function transportsTo(
  address: ReceiverAddress | undefined,
  options: LogOptions,
  binary: string,
): Transport[] {
  if (!address) {
    const sockets = LOCAL_SOCKETS.filter(isThere);
    return [
      ...sockets.map((path) => new UnixDatagramTransport(binary, path)),
      ...sockets.map((path) => new StreamTransport(() => connect(path))),
    ];
  }
  const { scheme, host, port = DEFAULT_PORT, path } = address;
  if (scheme === 'unixgram') return [new UnixDatagramTransport(binary, path)];
  if (scheme === 'unix') return [new StreamTransport(() => connect(path))];
  if (scheme === 'udp') return [new UdpTransport(host, port)];
  if (scheme === 'tcp') return [new StreamTransport(() => connect(port, host))];
  const read = (name: string): Buffer | undefined =>
    options[name] ? readFileSync(options[name]) : undefined;
  const tls = {
    host,
    port,
    servername: host,
    ca: read('syslog-tls-ca-cert'),
    cert: read('syslog-tls-cert'),
    key: read('syslog-tls-key'),
    rejectUnauthorized: options['syslog-tls-skip-verify'] === undefined,
  };
  return [new StreamTransport(() => dialTls(tls), { readyEvent: 'secureConnect' })];
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

/** undefined: the machine's own daemon. */
function syslogAddress(options: LogOptions): ReceiverAddress | undefined {
  const text = options['syslog-address'];
  if (!text) return undefined;
  const address = parseAddress(text);
  if (address.scheme === 'unix' || address.scheme === 'unixgram') checkExists(address.path);
  else if (!['udp', 'tcp', SECURE].includes(address.scheme))
    throw invalidArgument(`unsupported scheme: '${address.scheme}'`);
  return address;
}

function facilityOf(options: LogOptions): number {
  const text = options['syslog-facility'] || 'daemon';
  const number = /^\d{1,2}$/.test(text) ? Number(text) : FACILITIES.indexOf(text);
  if (number < 0 || number >= FACILITIES.length) throw invalidArgument('invalid syslog facility');
  return number;
}

function formatOf(options: LogOptions): SyslogFormat {
  const text = options['syslog-format'] ?? '';
  if (text === '' || text === 'rfc3164' || text === 'rfc5424' || text === 'rfc5424micro') return text;
  throw invalidArgument('Invalid syslog format');
}
