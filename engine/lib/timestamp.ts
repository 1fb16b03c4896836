import { invalidArgument } from './errors.ts';

const UNIT_NS: Record<string, bigint> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

/** A Go duration (`10m`, `1h30m`, `1.5s`) in nanoseconds, or undefined when `text` is none. */
export function parseDuration(text: string): bigint | undefined {
  const match = /^([+-]?)((?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+)$/.exec(text);
  if (!match?.[2]) return text === '0' ? 0n : undefined;
  let total = 0n;
  for (const [, whole = '0', fraction = '', unit = ''] of match[2].matchAll(/(\d+)(?:\.(\d*))?([a-zµ]+)/g)) {
    const scale = UNIT_NS[unit] ?? 0n;
    const digits = fraction.slice(0, 18);
    total += BigInt(whole) * scale + (BigInt(digits || '0') * scale) / 10n ** BigInt(digits.length);
  }
  return match[1] === '-' ? -total : total;
}

/**
 * `since`/`until` of the API as nanoseconds since the epoch: Unix seconds with an optional fraction, RFC 3339 (zone,
 * seconds or time may be missing: UTC, zero), or a duration before `nowMs`. '', '0' and absent: undefined.
 */
export function parseTimestamp(text: string | undefined, nowMs = Date.now()): bigint | undefined {
  if (text === undefined || text === '' || text === '0') return undefined;
  const unix = /^(-?\d{1,12})(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (unix?.[1]) return BigInt(unix[1]) * 1_000_000_000n + BigInt((unix[2] ?? '').padEnd(9, '0'));
  const duration = parseDuration(text);
  if (duration !== undefined) return BigInt(nowMs) * 1_000_000n - duration;
  return parseDate(text);
}

function parseDate(text: string): bigint {
  const match =
    /^(\d{4}-\d\d-\d\d)(?:T(\d\d)(?::(\d\d))?(?::(\d\d)(?:\.(\d{1,9})\d*)?)?)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
  const [, date, hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] = match ?? [];
  const ms = date === undefined ? Number.NaN : Date.parse(`${date}T${hour}:${minute}:${second}${zone}`);
  if (Number.isNaN(ms)) throw invalidArgument(`invalid timestamp '${text}'`);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}
