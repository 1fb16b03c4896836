import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { headOf, isFilePart, type FilePart } from './file-part.ts';
import { EngineError, errnoOf, invalidArgument, messageOf } from '../lib/errors.ts';

export type Compression = 'none' | 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** Bytes of a stream; never kept beyond the next one. */
export type ByteSource = AsyncIterable<Uint8Array>;

const MAGIC: [Compression, number[]][] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['bzip2', [0x42, 0x5a, 0x68]],
];
const MAGIC_BYTES = 6;
/** Inflating is 60 % faster with large output chunks than with Node's 16 KiB. */
const CHUNK_BYTES = 1024 * 1024;
/** Networks and disks are faster than a better ratio. */
const GZIP_OPTIONS = { level: 1, memLevel: 9, chunkSize: 256 * 1024, highWaterMark: CHUNK_BYTES };
const IGZIP = '/usr/bin/igzip';
const IGZIP_OPTIONS = ['-1', '-n', '-c'];
const IGZIP_MIN_BYTES = 1024 * 1024;

function detectCompression(head: Uint8Array): Compression {
  for (const [name, magic] of MAGIC) {
    if (magic.every((byte, index) => head[index] === byte)) return name;
  }
  return 'none';
}

/**
 * The uncompressed bytes of `source`, whatever it is compressed with. gzip is inflated here; zstd, xz and bzip2 by the
 * system's tool, outside of any container's root (SECURITY: 2026-41567). Throws invalid-argument for damaged data.
 */
export async function* decompress(source: ByteSource): ByteSource {
  const { head, rest } = await peek(source);
  yield* decompressAs(detectCompression(head), rest);
}

/** The same for who knows the compression already (`peekCompression`). */
export async function* decompressAs(compression: Compression, source: ByteSource): ByteSource {
  if (compression === 'none') yield* source;
  else if (compression === 'gzip') yield* gunzip(source);
  else yield* runTool(compression, ['-d', '-c'], source);
}

/** zstd, by the system's tool. */
export function compressZstd(source: ByteSource): AsyncGenerator<Uint8Array, void> {
  return runTool('zstd', ['-q', '-T0', '-c'], source);
}

/**
 * One gzip member of `source`, which has `bytes` bytes: the same each time. By the system's igzip where there is one and
 * the content is worth a process: a sixth of zlib's work for the same size.
 */
export function compressGzip(source: ByteSource, bytes: number): AsyncGenerator<Uint8Array, void> {
  const isWorthIt = bytes >= IGZIP_MIN_BYTES && existsSync(IGZIP);
  return isWorthIt ? runTool(IGZIP, IGZIP_OPTIONS, source) : through(source, createGzip(GZIP_OPTIONS));
}

/** What the content is compressed with, and the content as it was. */
export async function peekCompression(
  content: ByteSource | FilePart,
): Promise<{ compression: Compression; source: ByteSource | FilePart }> {
  if (isFilePart(content))
    return { compression: detectCompression(await headOf(content, MAGIC_BYTES)), source: content };
  const { head, rest } = await peek(content);
  return { compression: detectCompression(head), source: rest };
}

/** The first bytes of a source, at most `count`, what they are compressed with, and the source as it was. */
export async function peekHead(
  source: ByteSource,
  count: number,
): Promise<{ head: { bytes: Buffer; compression: Compression }; rest: ByteSource }> {
  const { head, rest } = await peek(source, count);
  return {
    head: { bytes: Buffer.from(head).subarray(0, count), compression: detectCompression(head) },
    rest,
  };
}

async function peek(
  source: ByteSource,
  count = MAGIC_BYTES,
): Promise<{ head: Uint8Array; rest: ByteSource }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let length = 0;
  while (length < count) {
    const next = await iterator.next();
    if (next.done) break;
    chunks.push(next.value);
    length += next.value.length;
  }
  const head = Buffer.concat(chunks);
  async function* rest(): ByteSource {
    try {
      if (head.length > 0) yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  return { head, rest: rest() };
}

async function* gunzip(source: ByteSource): ByteSource {
  try {
    yield* through(source, createGunzip({ chunkSize: CHUNK_BYTES }));
  } catch (error) {
    const code = errnoOf(error);
    if (code?.startsWith('Z_'))
      throw invalidArgument(`damaged gzip data: ${messageOf(error)}`, { cause: error });
    throw error;
  }
}

async function* through(source: ByteSource, output: Transform): AsyncGenerator<Uint8Array, void> {
  const input = Readable.from(source, { objectMode: false });
  input.once('error', (error) => output.destroy(error));
  input.pipe(output);
  try {
    yield* output as AsyncIterable<Uint8Array>;
  } finally {
    input.destroy();
    output.destroy();
  }
}

async function* runTool(
  tool: 'zstd' | 'xz' | 'bzip2' | typeof IGZIP,
  argv: string[],
  source: ByteSource,
): AsyncGenerator<Uint8Array, void> {
  const child = spawn(tool, argv, { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < 4096) stderr += text;
  });
  child.stdin.on('error', () => undefined);
  const closed = once(child, 'close').catch((error: unknown) => {
    if (errnoOf(error) !== 'ENOENT') throw error;
    throw new EngineError(
      'not-implemented',
      `cannot read or write ${tool} data: the '${tool}' command is not installed`,
    );
  });
  const input = Readable.from(source, { objectMode: false });
  let inputError: unknown;
  input.once('error', (error) => {
    inputError = error;
    child.kill('SIGKILL');
  });
  input.pipe(child.stdin);
  try {
    yield* child.stdout as AsyncIterable<Uint8Array>;
    const [code] = (await closed) as [number | null];
    if (inputError !== undefined) throw inputError;
    if (code !== 0) throw invalidArgument(`damaged ${tool} data: ${stderr.trim()}`);
  } finally {
    closed.catch(() => undefined);
    input.destroy();
    child.kill('SIGKILL');
  }
}
