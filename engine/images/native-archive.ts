import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from '../lib/errors.ts';
import { contentError } from './content-error.ts';
import type { ByteSource } from './decompress.ts';
import { startNative } from './native-process.ts';
import type { NativeStat } from './path-stat.ts';

/** Everything a short command prints, one JSON value a line. */
export async function readJsonLines<T>(binary: string, argv: string[]): Promise<T[]> {
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (text += part));
  await exited;
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

/** The helper prints one line about the path, then the tar: the reply begins only when there is something to send. */
export async function streamArchive(
  binary: string,
  argv: string[],
  signal: AbortSignal,
  begin: (stat: NativeStat) => Writable,
): Promise<void> {
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  const output = child.stdout;
  if (!output) throw new Error('no pipe to the native helper');
  try {
    const head = await readLine(output);
    if (head === undefined) return await exited;
    const sink = begin(JSON.parse(head) as NativeStat);
    // The sink is ended only after the helper said that all went well: a cut archive must not look complete.
    await pipeline(output, sink, { signal, end: false });
    await exited;
    sink.end();
  } catch (error) {
    throw contentError(error, signal);
  } finally {
    child.kill('SIGKILL');
  }
}

/** The tar alone, for a reader of this process; the line about the path is dropped. */
export async function* streamTar(binary: string, argv: string[]): AsyncGenerator<Uint8Array> {
  const { child, exited } = startNative(binary, argv, { stdin: 'ignore', stdout: 'pipe' });
  const output = child.stdout;
  if (!output) throw new Error('no pipe to the native helper');
  try {
    if ((await readLine(output)) !== undefined) yield* output as AsyncIterable<Uint8Array>;
    await exited;
  } finally {
    child.kill('SIGKILL');
  }
}

/** The first line of a stream, which is then at the byte after it; undefined when it ends before. */
async function readLine(stream: Readable): Promise<string | undefined> {
  let head = Buffer.alloc(0);
  for (;;) {
    const chunk = stream.read() as Buffer | null;
    if (chunk === null) {
      if (stream.readableEnded || stream.destroyed) return undefined;
      await Promise.race([once(stream, 'readable'), once(stream, 'end'), once(stream, 'close')]);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf(0x0a);
    if (end < 0) continue;
    stream.unshift(head.subarray(end + 1));
    return head.toString('utf8', 0, end);
  }
}

/**
 * Writes `source` to the helper's stdin. Where it breaks off, the helper is given what came and the end: it judges
 * whether that is enough.
 */
export async function sendBytes(
  binary: string,
  argv: string[],
  source: ByteSource,
  signal: AbortSignal,
): Promise<void> {
  const { child, exited } = startNative(binary, argv, { stdin: 'pipe', stdout: 'ignore' });
  if (!child.stdin) throw new Error('no pipe to the native helper');
  try {
    await pipeline(Readable.from(source, { objectMode: false }), child.stdin, { signal });
  } catch (error) {
    // The helper's own words come first, the broken pipe is their consequence.
    const broken = errnoOf(error) === 'EPIPE' || errnoOf(error) === 'ERR_STREAM_PREMATURE_CLOSE';
    const own: unknown = await exited.then(
      () => error,
      (failure: unknown) => failure,
    );
    throw contentError(broken ? own : error, signal);
  }
  await exited.catch((error: unknown) => {
    throw contentError(error, signal);
  });
}
