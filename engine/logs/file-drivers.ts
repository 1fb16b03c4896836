import path from 'node:path';
import { parseSize } from '../lib/byte-size.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import type { LogPlan } from '../runtime/plan.ts';
import { attributesWithTag } from './attributes.ts';
import { cacheOptions, bufferBytes, isCacheDisabled } from './common-options.ts';
import { ATTRIBUTE_OPTIONS, type LogDriver, type LogOptions, type LogSource } from './driver.ts';
import type { LogPlace } from './log-files.ts';
import { parseBoolean, parseInteger } from './option-values.ts';

const FILE_OPTIONS = new Set(['max-size', 'max-file', 'compress', ...ATTRIBUTE_OPTIONS]);
const MIB = 1024 * 1024;
/** Files that only wait to be sent. */
const SPOOL_FILES = 5;

/** Docker's default driver. */
export const jsonFileDriver: LogDriver = {
  name: 'json-file',

  check(options) {
    for (const name of Object.keys(options)) {
      if (!FILE_OPTIONS.has(name))
        throw invalidArgument(`unknown log opt '${name}' for json-file log driver`);
    }
    jsonFiles(options);
  },

  plan(source) {
    const attributes = attributesWithTag(source);
    return {
      format: 'json',
      path: jsonPlace(source).path,
      ...jsonFiles(source.options),
      attributes: Object.keys(attributes).length > 0 ? JSON.stringify(attributes) : '',
      hold: false,
    };
  },
};

/** Docker's `local`: small, rotated and compressed by default, in a format of its own. */
export const localDriver: LogDriver = {
  name: 'local',

  check(options) {
    for (const name of Object.keys(options)) {
      if (!FILE_OPTIONS.has(name)) throw invalidArgument(`unknown log opt '${name}' for log driver local`);
    }
    localFiles(options);
  },

  plan: (source) => ({
    format: 'entries',
    path: entriesPlace(source).path,
    ...localFiles(source.options),
    attributes: '',
    hold: false,
  }),
};

export const noneDriver: LogDriver = {
  name: 'none',
  check: () => undefined,
  plan: () => ({ format: 'none' }),
};

/** `<id>-json.log`, where log shippers look for it; inspect shows it as LogPath. */
export function jsonPlace({ id, directory }: Pick<LogSource, 'id' | 'directory'>): LogPlace {
  return { format: 'json', path: path.join(directory, `${id}-json.log`) };
}

export function entriesPlace({ directory }: Pick<LogSource, 'directory'>): LogPlace {
  return { format: 'entries', path: path.join(directory, 'container.log') };
}

/**
 * The files of a driver that sends: a cache for `docker logs` as `local` keeps it, and what is not sent yet. With
 * `mode=blocking` none goes before it has been sent; otherwise as much is kept as may wait.
 */
export function sendingPlan(source: LogSource): LogPlan {
  const { options } = source;
  const buffer = bufferBytes(options);
  const cache = localFiles(cacheOptions(options));
  const files = isCacheDisabled(options)
    ? { maxBytes: Math.max(MIB, Math.ceil((buffer ?? 0) / 2)), maxFiles: SPOOL_FILES, compress: false }
    : cache;
  return {
    format: 'entries',
    path: entriesPlace(source).path,
    ...files,
    attributes: '',
    hold: buffer === undefined,
  };
}

interface Files {
  /** Of one file, 0: unlimited. */
  maxBytes: number;
  maxFiles: number;
  compress: boolean;
}

function jsonFiles(options: LogOptions): Files {
  const size = options['max-size'];
  // Docker's documentation gives -1 as the default.
  const maxBytes = size === undefined || size === '-1' ? 0 : parseSize(size, 1000);
  if (size !== undefined && size !== '-1' && maxBytes <= 0)
    throw invalidArgument('max-size must be a positive number');
  const maxFiles = parseInteger(options['max-file'] ?? '1');
  if (maxFiles < 1) throw invalidArgument('max-file cannot be less than 1');
  const compress = parseBoolean(options['compress'] ?? 'false');
  if (compress && (maxFiles === 1 || maxBytes === 0)) {
    throw invalidArgument('compress cannot be true when max-file is less than 2 or max-size is not set');
  }
  return { maxBytes, maxFiles, compress };
}

function localFiles(options: LogOptions): Files {
  const parse = <T>(prefix: string, name: string, read: (text: string) => T, otherwise: T): T => {
    const text = options[name];
    if (text === undefined) return otherwise;
    try {
      return read(text);
    } catch (cause) {
      throw invalidArgument(`${prefix}: ${messageOf(cause)}`, { cause });
    }
  };
  const size = `invalid value for max-size: ${options['max-size']}`;
  const file = `invalid value for max-file: ${options['max-file']}`;
  const maxBytes = parse(size, 'max-size', (text) => parseSize(text, 1000), 20 * MIB);
  const maxFiles = parse(file, 'max-file', parseInteger, 5);
  const compress = parse('invalid boolean value for compress', 'compress', parseBoolean, true);
  if (maxFiles < 0) throw invalidArgument('max-file must not be negative');
  if (compress && maxFiles <= 1) {
    throw invalidArgument('compression cannot be enabled when max file count is 1');
  }
  return { maxBytes, maxFiles: Math.max(1, maxFiles), compress };
}
