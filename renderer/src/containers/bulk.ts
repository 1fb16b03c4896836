interface BulkResult<T> {
  target: T;
  /** undefined: it worked. */
  error: unknown;
}

/** Runs `work` over all targets, at most `width` at a time; one failure does not stop the others. */
export async function runAll<T>(
  targets: T[],
  work: (target: T) => Promise<void>,
  width = 8,
): Promise<BulkResult<T>[]> {
  const results: BulkResult<T>[] = [];
  const queue = targets.entries();
  const worker = async () => {
    for (const [index, target] of queue) {
      try {
        await work(target);
        results[index] = { target, error: undefined };
      } catch (error) {
        results[index] = { target, error: error ?? new Error('failed') };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, targets.length) }, worker));
  return results;
}

/** `7 of 9 done, 2 failed`, with each different reason once, and who it hit. */
export function summarise<T extends { name: string }>(
  results: BulkResult<T>[],
  reason: (error: unknown) => string,
) {
  const reasons = new Map<string, string[]>();
  for (const result of results) {
    if (result.error === undefined) continue;
    const text = reason(result.error);
    reasons.set(text, [...(reasons.get(text) ?? []), result.target.name]);
  }
  const failed = results.filter((result) => result.error !== undefined).length;
  const lines = [...reasons].map(([text, names]) =>
    results.length === 1
      ? text
      : `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` +${names.length - 3}` : ''}: ${text}`,
  );
  return { count: results.length, done: results.length - failed, failed, reasons: lines.join('\n') };
}
