/** Go's zero time: what Docker shows for "never". */
export const ZERO_TIME = '0001-01-01T00:00:00Z';

/** Now as RFC 3339 with as many digits of a second as the clock has (microseconds). */
export function nowRfc3339(): string {
  const epochMs = performance.timeOrigin + performance.now();
  const wholeMs = Math.floor(epochMs);
  const micros = Math.floor((epochMs - wholeMs) * 1000);
  return `${new Date(wholeMs).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;
}

/** ms since the epoch (fractional); `ZERO_TIME` is 0. */
export function toEpochMs(rfc3339: string): number {
  if (rfc3339 === ZERO_TIME) return 0;
  const fraction = /\.(\d+)/.exec(rfc3339)?.[1] ?? '';
  const whole = Date.parse(rfc3339.replace(/\.\d+/, ''));
  return whole + Number(`0.${fraction || '0'}`) * 1000;
}

/** A duration as Go prints it: `50ms`, `1.5s`, `1m0s`, `2h3m0s`. */
export function formatDuration(durationMs: number): string {
  if (durationMs === 0) return '0s';
  if (durationMs < 1) return `${Number((durationMs * 1000).toFixed(3))}µs`;
  if (durationMs < 1000) return `${Number(durationMs.toFixed(6))}ms`;
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor(durationMs / 60_000) % 60;
  const seconds = `${Number(((durationMs % 60_000) / 1000).toFixed(9))}s`;
  if (hours > 0) return `${hours}h${minutes}m${seconds}`;
  return minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
