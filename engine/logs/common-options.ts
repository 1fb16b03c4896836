import { parseSize } from '../lib/byte-size.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { LogOptions } from './driver.ts';
import { parseBoolean } from './option-values.ts';

/** Docker's size of the buffer of `mode=non-blocking`. */
const DEFAULT_BUFFER_BYTES = 1_000_000;
const CACHE_PREFIX = 'cache-';
const CACHE_OPTIONS = [
  'disabled',
  'max-size',
  'max-file',
  'compress',
  'labels',
  'labels-regex',
  'env',
  'env-regex',
  'tag',
];
const OPTIONS = new Set(['mode', 'max-buffer-size', ...CACHE_OPTIONS.map((name) => CACHE_PREFIX + name)]);

/** What every driver but `none` takes; returns the rest, which is the driver's own. Throws 400 with Docker's texts. */
export function checkCommonOptions(options: LogOptions): LogOptions {
  const { mode = '' } = options;
  if (!['', 'blocking', 'non-blocking'].includes(mode)) {
    throw invalidArgument(`logger: logging mode not supported: ${mode}`);
  }
  const size = options['max-buffer-size'];
  if (size !== undefined) {
    if (mode !== 'non-blocking')
      throw invalidArgument(`logger: max-buffer-size option is only supported with 'mode=non-blocking'`);
    try {
      parseSize(size, 1024);
    } catch (cause) {
      throw invalidArgument(`error parsing option max-buffer-size: ${messageOf(cause)}`, { cause });
    }
  }
  isCacheDisabled(options);
  return Object.fromEntries(Object.entries(options).filter(([name]) => !OPTIONS.has(name)));
}

/** Whether a remote driver's entries are not to be kept for `docker logs`. */
export function isCacheDisabled(options: LogOptions): boolean {
  const text = options[`${CACHE_PREFIX}disabled`];
  if (!text) return false;
  try {
    return parseBoolean(text);
  } catch (cause) {
    throw invalidArgument(`invalid value for option ${CACHE_PREFIX}disabled: ${text}`, { cause });
  }
}

export function onlyCacheOptions(options: LogOptions): LogOptions {
  return Object.fromEntries(Object.entries(options).filter(([name]) => name.startsWith(CACHE_PREFIX)));
}

/** The options of the cache under the names that the driver `local` has for them. */
export function cacheOptions(options: LogOptions): LogOptions {
  const entries = Object.entries(onlyCacheOptions(options));
  return Object.fromEntries(entries.map(([name, value]) => [name.slice(CACHE_PREFIX.length), value]));
}

/** Bytes that may wait for a slow receiver; undefined: the container waits instead (`mode=blocking`, the default). */
export function bufferBytes(options: LogOptions): number | undefined {
  if (options['mode'] !== 'non-blocking') return undefined;
  const size = options['max-buffer-size'];
  return size === undefined ? DEFAULT_BUFFER_BYTES : parseSize(size, 1024);
}
