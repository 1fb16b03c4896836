/** ms since the epoch of an RFC 3339 time; undefined for Docker's zero time `0001-01-01T00:00:00Z` and for no time. */
export function timeOf(text: string | undefined): number | undefined {
  if (!text) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) || time <= 0 ? undefined : time;
}
