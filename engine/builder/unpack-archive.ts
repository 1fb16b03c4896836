import { EngineError } from '../lib/errors.ts';
import type { BuildDeps } from './builder-deps.ts';
import type { CopySource } from './copy-selection.ts';
import { SourceTree } from './source-tree.ts';

/**
 * The files of a tar (gzip, bzip2, xz, zstd or plain) that ADD unpacks; undefined: not an archive, to be copied as it
 * is. Throws invalid-argument for one that begins well and is damaged.
 */
export async function unpackArchive(
  { tree, node }: CopySource,
  spool: string,
  decompress: BuildDeps['decompress'],
): Promise<SourceTree | undefined> {
  if (node.type !== 'file' || node.size === 0) return undefined;
  let isArchive = false;
  const isIgnored = (): boolean => {
    isArchive = true;
    return false;
  };
  try {
    return await SourceTree.read(decompress(tree.content(node)), spool, { isIgnored });
  } catch (error) {
    const isContent = error instanceof EngineError && error.kind === 'invalid-argument';
    if (isContent && !isArchive) return undefined;
    throw error;
  }
}
