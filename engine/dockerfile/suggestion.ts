/** At most so many changed letters are taken for a slip of the finger. */
const MAX_DISTANCE = 2;

/** ` (did you mean VOLUME?)` when a known name is close, else nothing. */
export function didYouMean(given: string, known: readonly string[]): string {
  const upper = given.toUpperCase();
  let best: string | undefined;
  let bestDistance = MAX_DISTANCE + 1;
  for (const name of known) {
    const distance = editDistance(upper, name.toUpperCase());
    if (distance < bestDistance) [best, bestDistance] = [name, distance];
  }
  return best === undefined || bestDistance === 0 ? '' : ` (did you mean ${best}?)`;
}

/** Optimal string alignment: insertions, deletions, substitutions and swaps of neighbours, each 1. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (last[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, substituted);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? 0;
}
