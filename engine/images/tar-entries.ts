import { TarParser } from '../tar/tar-parser.ts';
import { cleanName } from './clean-name.ts';
import type { ByteSource } from './decompress.ts';

/** One entry of a tar, without its content. */
export interface TarEntryHeader {
  /** Relative, without `.` and `..`; '' is the root. */
  path: string;
  kind: 'file' | 'directory' | 'symlink' | 'hard-link' | 'other';
  sizeBytes: number;
}

/** The entries of an uncompressed tar as they come by. Throws invalid-argument for a damaged one. */
export async function* tarEntries(source: ByteSource): AsyncGenerator<TarEntryHeader, void> {
  const seen: TarEntryHeader[] = [];
  const parser = new TarParser({
    entry({ name, type, size }) {
      const kind = type === 'link' ? 'hard-link' : type;
      const isTold = kind === 'file' || kind === 'directory' || kind === 'symlink' || kind === 'hard-link';
      seen.push({ path: cleanName(name), kind: isTold ? kind : 'other', sizeBytes: size });
    },
    data: () => undefined,
    hole: () => undefined,
  });
  // To the end, so that whoever hashes the source has seen it all.
  for await (const chunk of source) {
    parser.push(chunk);
    yield* seen.splice(0);
  }
  parser.end();
}
