/**
 * The one-file tar that `docker cp` moves: writing a ustar header and reading the first entry back. Archives come
 * from the engine, which made them; still every size is bounded.
 */
const BLOCK_BYTES = 512;
/** A PAX or GNU long-name record in front of an entry. */
const MAX_EXTENSION_BYTES = 64 * 1024;

interface TarFile {
  sizeBytes: number;
  mode: number;
  /** ms since the epoch. */
  modifiedAt: number;
}

interface TarEntryHead {
  name: string;
  sizeBytes: number;
  /** `0` file, `5` directory, `2` symbolic link, … */
  type: string;
}

/** A whole archive with one regular file, owned by root. `name`: one path component. */
export function tarOfFile(name: string, content: Uint8Array, mode: number, modifiedAt: number): Buffer {
  const file = { sizeBytes: content.length, mode, modifiedAt };
  return Buffer.concat([headOf(name, file), content, endOf(file)]);
}

/** The same of a content that comes in parts. */
export async function* tarStreamOfFile(
  name: string,
  content: AsyncIterable<Uint8Array>,
  file: TarFile,
): AsyncGenerator<Uint8Array, void> {
  yield headOf(name, file);
  yield* content;
  yield endOf(file);
}

function headOf(name: string, { sizeBytes, mode, modifiedAt }: TarFile): Buffer {
  const name8 = Buffer.from(name);
  const extension = name8.length > 100 ? paxPath(name) : Buffer.alloc(0);
  return Buffer.concat([extension, tarHeader(name8.subarray(0, 100), sizeBytes, '0', mode, modifiedAt)]);
}

const endOf = ({ sizeBytes }: TarFile): Buffer => Buffer.alloc(padding(sizeBytes) + 2 * BLOCK_BYTES);

function paxPath(name: string): Buffer {
  const rest = ` path=${name}\n`;
  const bytes = Buffer.byteLength(rest);
  // The record's length counts its own digits.
  let total = bytes + String(bytes).length;
  if (String(total).length !== String(bytes).length) total += 1;
  const record = Buffer.from(`${total}${rest}`);
  return Buffer.concat([
    tarHeader(Buffer.from('PaxHeader'), record.length, 'x', 0o644, 0),
    record,
    Buffer.alloc(padding(record.length)),
  ]);
}

function tarHeader(name: Uint8Array, size: number, type: string, mode: number, modifiedAt: number): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, '0')}\0`;
  header.set(name, 0);
  header.write(octal(mode & 0o7777, 7), 100);
  header.write(octal(0, 7), 108);
  header.write(octal(0, 7), 116);
  header.write(octal(size, 11), 124);
  header.write(octal(Math.floor(modifiedAt / 1000), 11), 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write('ustar\x0000', 257, 'latin1');
  header.write(
    octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    ),
    148,
  );
  return header;
}

/** The first real entry of an archive and its content; the rest of the archive is not read. */
export async function firstTarEntry(
  archive: AsyncIterable<Uint8Array | string>,
): Promise<{ head: TarEntryHead; content: AsyncGenerator<Buffer, void> }> {
  const reader = new ByteReader(archive);
  for (;;) {
    const block = await reader.exactly(BLOCK_BYTES);
    const head = readHeader(block);
    if (!'xgLK'.includes(head.type)) return { head, content: reader.upTo(head.sizeBytes) };
    if (head.sizeBytes > MAX_EXTENSION_BYTES) throw new Error('archive record too large');
    await reader.exactly(head.sizeBytes + padding(head.sizeBytes));
  }
}

function readHeader(block: Buffer): TarEntryHead {
  const text = (start: number, length: number) =>
    block
      .subarray(start, start + length)
      .toString('utf8')
      .replace(/\0.*$/s, '');
  const size = block[124]! & 0x80 ? Number(block.readBigUInt64BE(128)) : Number.parseInt(text(124, 12), 8);
  if (!Number.isSafeInteger(size) || size < 0) throw new Error('damaged archive header');
  return { name: text(0, 100), sizeBytes: size, type: text(156, 1) || '0' };
}

function padding(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}

/** Reads exact byte counts from a chunked source. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array | string>;
  #buffered: Buffer = Buffer.alloc(0);

  constructor(source: AsyncIterable<Uint8Array | string>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  async exactly(count: number): Promise<Buffer> {
    while (this.#buffered.length < count) {
      this.#buffered = Buffer.concat([this.#buffered, await this.#next()]);
    }
    const result = this.#buffered.subarray(0, count);
    this.#buffered = this.#buffered.subarray(count);
    return result;
  }

  async *upTo(count: number): AsyncGenerator<Buffer, void> {
    let remaining = count;
    while (remaining > 0) {
      const chunk = this.#buffered.length > 0 ? this.#buffered : await this.#next();
      const part = chunk.subarray(0, remaining);
      this.#buffered = chunk.subarray(part.length);
      remaining -= part.length;
      yield part;
    }
  }

  async #next(): Promise<Buffer> {
    const result = await this.#chunks.next();
    if (result.done) throw new Error('the archive ended in the middle');
    return Buffer.from(result.value);
  }
}
