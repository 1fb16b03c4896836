/** Small stream shapes between the engine's HTTP bodies and the typed API's iterators. */

/** Longest line kept while looking for its end; a longer one fails the stream. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

/** The JSON values of a newline-separated body, as they arrive. */
export async function* jsonLines<T>(body: AsyncIterable<Uint8Array | string>): AsyncGenerator<T, void> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of body) {
    rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true });
    const lines = rest.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as T;
    if (rest.length > MAX_LINE_BYTES) throw new Error('the engine sent a line without end');
  }
  if (rest.trim() !== '') yield JSON.parse(rest) as T;
}

/**
 * Joins what arrives within `maxDelayMs` of the first item into one batch of at most `maxItems`. Pulls the next chunk
 * only while its own reader pulls, so back-pressure reaches the source.
 */
export async function* batched<T>(
  source: AsyncIterable<T[]>,
  maxItems: number,
  maxDelayMs: number,
): AsyncGenerator<T[], void> {
  const iterator = source[Symbol.asyncIterator]();
  let pending: T[] = [];
  let due = Number.POSITIVE_INFINITY;
  let next = iterator.next();
  try {
    for (;;) {
      const result = pending.length === 0 ? await next : await orTimeout(next, due - Date.now());
      if (result === TIMED_OUT) {
        yield pending;
        pending = [];
        continue;
      }
      if (result.done) break;
      if (pending.length === 0) due = Date.now() + maxDelayMs;
      pending.push(...result.value);
      next = iterator.next();
      while (pending.length >= maxItems) {
        yield pending.slice(0, maxItems);
        pending = pending.slice(maxItems);
      }
    }
    if (pending.length > 0) yield pending;
  } finally {
    // The read ahead may still be under way: its failure belongs to nobody any more.
    next.catch(() => undefined);
    await iterator.return?.();
  }
}

const TIMED_OUT = Symbol('timed out');

async function orTimeout<T>(work: Promise<T>, delayMs: number): Promise<T | typeof TIMED_OUT> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof TIMED_OUT>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, delayMs), TIMED_OUT);
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** A multiple of 3, so that only the last part carries base64 padding. */
const PART_BYTES = 3 * 170 * 1024;

/** A body in parts that the typed API can carry. */
export async function* base64Parts(body: AsyncIterable<Uint8Array>): AsyncGenerator<{ chunk: string }, void> {
  let rest = Buffer.alloc(0);
  for await (const chunk of body) {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= PART_BYTES; rest = rest.subarray(PART_BYTES))
      yield { chunk: rest.subarray(0, PART_BYTES).toString('base64') };
  }
  yield { chunk: rest.toString('base64') };
}
