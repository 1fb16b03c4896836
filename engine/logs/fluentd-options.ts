import { parseSize } from '../lib/byte-size.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { parseAddress } from './address.ts';
import { ATTRIBUTE_OPTIONS, type LogOptions } from './driver.ts';
import { parseBoolean, parseDurationMs, parseInteger } from './option-values.ts';

const OPTIONS = new Set([
  ...ATTRIBUTE_OPTIONS,
  'fluentd-address',
  'fluentd-async',
  // Until Docker 28; the old name of the one before.
  'fluentd-async-connect',
  'fluentd-async-reconnect-interval',
  'fluentd-buffer-limit',
  'fluentd-max-retries',
  'fluentd-request-ack',
  'fluentd-retry-wait',
  'fluentd-sub-second-precision',
  'fluentd-write-timeout',
  'fluentd-read-timeout',
]);
const DEFAULT_HOST = '127.0.0.1';
const DEFAULT_PORT = 24_224;
const DEFAULT_RETRY_WAIT_MS = 1000;
const MAX_INT32 = 2 ** 31 - 1;
const RECONNECT_MS = { least: 100, most: 10_000 };

export interface FluentdOptions {
  address: { scheme: 'tcp' | 'tls' | 'unix'; host: string; port: number; path: string };
  /** The container starts although nobody listens. */
  async: boolean;
  retryWaitMs: number;
  /** undefined: for ever. */
  maxRetries: number | undefined;
  requestAck: boolean;
  subSecondPrecision: boolean;
  /** 0: none. */
  writeTimeoutMs: number;
  readTimeoutMs: number;
}

/** Throws 400 with Docker's texts. */
export function checkFluentdOptions(options: LogOptions): void {
  for (const name of Object.keys(options)) {
    if (!OPTIONS.has(name)) throw invalidArgument(`unknown log opt '${name}' for fluentd log driver`);
  }
  fluentdOptions(options);
}

/** The buffer limit is checked and not needed: what waits does so on disk. */
export function fluentdOptions(options: LogOptions): FluentdOptions {
  const flag = (name: string): boolean => parseBoolean(options[name] || 'false');
  if (options['fluentd-buffer-limit']) parseSize(options['fluentd-buffer-limit'], 1024);
  checkReconnectInterval(options['fluentd-async-reconnect-interval'] ?? '');
  return {
    address: fluentdAddress(options['fluentd-address'] ?? ''),
    async: flag('fluentd-async') || flag('fluentd-async-connect'),
    retryWaitMs: parseDurationMs(options['fluentd-retry-wait'] || `${DEFAULT_RETRY_WAIT_MS}ms`),
    maxRetries: maxRetriesOf(options['fluentd-max-retries'] ?? ''),
    requestAck: flag('fluentd-request-ack'),
    subSecondPrecision: flag('fluentd-sub-second-precision'),
    writeTimeoutMs: timeoutOf('fluentd-write-timeout', options),
    readTimeoutMs: timeoutOf('fluentd-read-timeout', options),
  };
}

function fluentdAddress(text: string): FluentdOptions['address'] {
  if (text === '') return { scheme: 'tcp', host: DEFAULT_HOST, port: DEFAULT_PORT, path: '' };
  try {
    const { scheme, host, port, path } = parseAddress(text.includes('://') ? text : `tcp://${text}`);
    if (scheme === 'unix') {
      if (path.replaceAll('/', '') === '') throw invalidArgument('path is empty');
      return { scheme, host: '', port: 0, path };
    }
    if (scheme !== 'tcp' && scheme !== 'tls') throw invalidArgument(`unsupported scheme: '${scheme}'`);
    if (path !== '') throw invalidArgument('should not contain a path element');
    return { scheme, host: host || DEFAULT_HOST, port: port ?? DEFAULT_PORT, path: '' };
  } catch (cause) {
    throw invalidArgument(`invalid fluentd-address (${text}): ${messageOf(cause)}`, { cause });
  }
}

function maxRetriesOf(text: string): number | undefined {
  if (text === '') return undefined;
  const retries = parseInteger(text, 'ParseUint');
  if (retries < 0 || retries > MAX_INT32)
    throw invalidArgument('invalid fluentd-max-retries: value out of range');
  return retries;
}

function checkReconnectInterval(text: string): void {
  if (text === '') return;
  const name = 'fluentd-async-reconnect-interval';
  const intervalMs = durationOf(name, text, '');
  if (intervalMs !== 0 && (intervalMs < RECONNECT_MS.least || intervalMs > RECONNECT_MS.most)) {
    throw invalidArgument(
      `invalid value for ${name}: value (${JSON.stringify(text)}) must be between 100ms and 10s`,
    );
  }
}

function timeoutOf(name: string, options: LogOptions): number {
  const text = options[name] ?? '';
  const timeoutMs = text === '' ? 0 : durationOf(name, text, 'value must be a duration: ');
  if (timeoutMs < 0) {
    throw invalidArgument(`invalid value for ${name}: value must be a duration that is non-negative`);
  }
  return timeoutMs;
}

function durationOf(name: string, text: string, hint: string): number {
  try {
    return parseDurationMs(text);
  } catch (cause) {
    throw invalidArgument(`invalid value for ${name}: ${hint}${messageOf(cause)}`, { cause });
  }
}
