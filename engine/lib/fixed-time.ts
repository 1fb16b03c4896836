/** `…:05.12Z` → `…:05.120000000Z`, so that UTC timestamps compare as text (Docker's fixed-width form). */
export function toFixedNano(rfc3339Utc: string): string {
  const dot = rfc3339Utc.indexOf('.', 19);
  if (dot < 0) return `${rfc3339Utc.slice(0, 19)}.000000000Z`;
  return `${rfc3339Utc.slice(0, 20)}${rfc3339Utc.slice(20, -1).padEnd(9, '0').slice(0, 9)}Z`;
}

/** Nanoseconds since the epoch in the same fixed-width form. */
export function nanosToFixed(epochNs: bigint): string {
  const seconds = epochNs / 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${whole}.${String(epochNs % 1_000_000_000n).padStart(9, '0')}Z`;
}
