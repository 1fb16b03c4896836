import { paddingOf, type TarEntry } from '../tar/tar-entry.ts';
import { TAR_END, encodeTarHeader } from '../tar/tar-header.ts';
import { SourceTree } from './source-tree.ts';

interface SingleFile {
  name: string;
  mode: number;
  sizeBytes: number;
  /** Seconds since the epoch. */
  modifiedAt: number;
}

/** A tree of one file that belongs to root, for heredocs and downloads. */
export function singleFileTree(
  { name, mode, sizeBytes, modifiedAt }: SingleFile,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  spool: string,
): Promise<SourceTree> {
  const owner = { uid: 0, gid: 0, major: 0, minor: 0, link: '' };
  const entry: TarEntry = {
    name,
    type: 'file',
    mode,
    size: sizeBytes,
    modifiedAt,
    xattrs: new Map(),
    ...owner,
  };
  async function* tar(): AsyncGenerator<Uint8Array> {
    yield encodeTarHeader(entry);
    yield* content;
    yield Buffer.alloc(paddingOf(sizeBytes));
    yield TAR_END;
  }
  return SourceTree.read(tar(), spool);
}
