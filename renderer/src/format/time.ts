type Span = { unit: 'second' | 'minute' | 'hour' | 'day' | 'month' | 'year'; count: number };

const steps: [Span['unit'], number][] = [
  ['year', 365 * 86_400],
  ['month', 30 * 86_400],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** The largest unit that fits, rounded down: 3 700 s is one hour. */
export function toSpan(milliseconds: number): Span {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  for (const [unit, length] of steps) {
    if (seconds >= length) return { unit, count: Math.floor(seconds / length) };
  }
  return { unit: 'second', count: seconds };
}

/** `2 hours ago`, `3시간 전`. */
export function formatAgo(time: number, now: number, language: string): string {
  const span = toSpan(now - time);
  const relative = new Intl.RelativeTimeFormat(language, {
    numeric: span.unit === 'second' ? 'auto' : 'always',
  });
  return relative.format(-span.count, span.unit);
}

/** `3 hours`, `3시간`: how long something lasts. */
export function formatLasting(
  milliseconds: number,
  language: string,
  style: 'long' | 'narrow' = 'long',
): string {
  const span = toSpan(milliseconds);
  return new Intl.NumberFormat(language, { style: 'unit', unit: span.unit, unitDisplay: style }).format(
    span.count,
  );
}

/** Date and time to the second, in the reader's zone. */
export function formatDateTime(time: number, language: string): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(time);
}

/** `14:03:27.128`, local or UTC, of an RFC 3339 timestamp with nanoseconds. */
export function formatLogTime(timestamp: string, utc: boolean): string {
  const date = new Date(timestamp);
  if (Number.isNaN(date.getTime())) return timestamp;
  const two = (value: number) => String(value).padStart(2, '0');
  const parts = utc
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds()];
  return `${parts.map(two).join(':')}.${String(date.getUTCMilliseconds()).padStart(3, '0')}`;
}
