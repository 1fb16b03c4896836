import type { Writable } from 'node:stream';
import type { WrittenDirectory, WrittenFiles } from '../wire/files.ts';
import { createFileAccess, layerArguments, type FileAccess } from './file-access.ts';
import type { ContainerRoots } from './image-store.ts';
import { readJsonLines, streamArchive } from './native-archive.ts';
import { summarizeWritten } from './written-summary.ts';

/** `docker diff`: 0 modified, 1 added, 2 deleted. */
interface FileChange {
  Path: string;
  Kind: 0 | 1 | 2;
}

/** Files of containers, running or not, and what their layers tell. */
export interface Archives extends FileAccess {
  changes(container: string): Promise<FileChange[]>;
  /** What the container wrote outside of its volumes. */
  written(container: string): Promise<WrittenFiles>;
  /** The whole root file system without volumes, as `docker export`. */
  export(container: string, signal: AbortSignal, begin: () => Writable): Promise<void>;
}

export function createArchives(options: { binary: string; roots: ContainerRoots }): Archives {
  const { binary, roots } = options;
  return {
    ...createFileAccess({ binary, roots, holderKind: 'container' }),
    changes: (container) =>
      roots.useRoot(container, async ({ layers }) => {
        const argv = ['archive-changes', ...layerArguments(layers)];
        const changes = await readJsonLines<{ kind: FileChange['Kind']; path: string }>(binary, argv);
        return changes.map(({ kind, path }) => ({ Path: path, Kind: kind }));
      }),
    written: (container) =>
      roots.useRoot(container, async ({ layers }) => {
        const argv = ['archive-written', ...layerArguments(layers)];
        const lines = await readJsonLines<WrittenDirectory | { truncated: true }>(binary, argv);
        const directories = lines.filter((line) => 'path' in line);
        return { ...summarizeWritten(directories), truncated: directories.length < lines.length };
      }),
    export: (container, signal, begin) =>
      roots.useRoot(container, async ({ layers }, tell) => {
        // The layers alone, mounted read-only: what is mounted into a running container stays out.
        const argv = ['archive-get', ...layerArguments(layers), '/', ''];
        await streamArchive(binary, argv, signal, () => {
          tell('export');
          return begin();
        });
      }),
  };
}
