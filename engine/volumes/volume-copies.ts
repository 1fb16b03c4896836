import type { Writable } from 'node:stream';
import { conflict, EngineError, withPrefix } from '../lib/errors.ts';
import type { Volumes } from './create-volumes.ts';
import type { Volume } from './volumes.ts';

/** What the composition root hands over: directories to archives and back (images/tree-archives.ts). */
interface Trees {
  pack(directory: string, signal: AbortSignal, begin: () => Writable): Promise<void>;
  unpack(directory: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
}

interface VolumeCopiesOptions {
  volumes: Volumes;
  trees: Trees;
  /** Keeps these containers from starting while `work` runs; 409 when one of them runs already. */
  keepStopped: (containerIds: string[], work: () => Promise<void>) => Promise<void>;
  runTask: (argv: string[]) => Promise<void>;
}

/** Volumes as a whole: out into an archive, in from one, and into another volume. */
export interface VolumeCopies {
  /** A tar, compressed with zstd; `begin` is called once there is something to send. */
  backup(name: string, signal: AbortSignal, begin: () => Writable): Promise<void>;
  /**
   * The content of an archive takes the place of the volume's, all or nothing. Returns the volume that keeps what was
   * in it before. 409 while a container that uses it runs, 400 for a damaged archive.
   */
  restore(name: string, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<Volume>;
  /** A new volume with the same content and labels, shared on the disk where the file system can. */
  clone(name: string, to: string): Promise<Volume>;
}

export function createVolumeCopies(options: VolumeCopiesOptions): VolumeCopies {
  const { volumes, trees, keepStopped, runTask } = options;
  return {
    backup: (name, signal, begin) =>
      volumes.withRoot(name, (directory) => trees.pack(directory, signal, begin)),
    async restore(name, source, signal) {
      refuseMounted(volumes.get(name));
      const whileUnused = async (work: () => Promise<void>): Promise<void> => {
        const users = volumes.usersOf(name);
        await keepStopped(users, async () => {
          if (volumes.usersOf(name).some((id) => !users.includes(id)))
            throw conflict('a container has just begun to use it');
          await work();
        });
      };
      try {
        // Before the archive is read, which may take long.
        await whileUnused(() => Promise.resolve());
        return await volumes.replaceContent(
          name,
          (directory) => trees.unpack(directory, source, signal),
          whileUnused,
        );
      } catch (error) {
        throw withPrefix(`cannot restore volume ${name}: `, error);
      }
    },
    async clone(name, to) {
      const { labels } = volumes.get(name);
      return volumes.withRoot(name, (from) =>
        volumes.createFilled({ name: to, labels }, (directory) => runTask(['clone-tree', from, directory])),
      );
    },
  };
}

/** Its files are somewhere else or limited, where nothing can take their place in one step. */
function refuseMounted({ name, options }: Volume): void {
  if (Object.keys(options).length === 0) return;
  const message = `cannot restore volume ${name}: its driver options bind it to the files that it has`;
  throw new EngineError('conflict', message, { hint: 'restore into a new volume and copy the files' });
}
