import { notFound, invalidArgument } from '../lib/errors.ts';
import { readJsonLines, streamTar } from './native-archive.ts';
import { contentError } from './content-error.ts';
import { NativeError } from './native-process.ts';

/** A directory (at last perhaps something else) on the way to a path. */
interface WalkedComponent {
  /** Where it truly is, links followed; '' is the root. */
  path: string;
  /** st_mode */
  mode: number;
  uid: number;
  gid: number;
  /** Seconds since the epoch, with fraction. */
  modifiedAt: number;
}

interface NativeComponent extends Omit<WalkedComponent, 'modifiedAt'> {
  seconds: number;
  nanoseconds: number;
}

/** Files of images that no container was made of, read through the native helper. */
export function createImageFiles(binary: string) {
  const layers = (lowers: readonly string[]): string[] => lowers.flatMap((lower) => ['--lower', lower]);
  return {
    /** What of a path exists, from the root down, and what does not. Throws invalid-argument. */
    async walk(
      lowers: readonly string[],
      path: string,
    ): Promise<{ existing: WalkedComponent[]; rest: string }> {
      const argv = ['archive-walk', ...layers(lowers), path];
      const lines = await readJsonLines<{ rest: string } | NativeComponent>(binary, argv).catch(
        toClientError,
      );
      const [head, ...components] = lines as [{ rest: string }, ...NativeComponent[]];
      const existing = components.map(({ seconds, nanoseconds, ...component }) => ({
        ...component,
        modifiedAt: seconds + nanoseconds / 1e9,
      }));
      return { existing, rest: head.rest };
    },
    /** A tar of `path`, its members named after `name`. Throws not-found. */
    async *tar(
      lowers: readonly string[],
      path: string,
      name: string,
      signal: AbortSignal,
    ): AsyncGenerator<Uint8Array> {
      try {
        yield* streamTar(binary, ['archive-get', ...layers(lowers), path, name]);
      } catch (error) {
        toClientError(contentError(error, signal));
      }
    },
  };
}

function toClientError(error: unknown): never {
  if (error instanceof NativeError) {
    if (error.errno === 'ENOTDIR')
      throw invalidArgument(`cannot copy to non-directory: ${error.message}`, { cause: error });
    if (error.errno === 'ENOENT') throw notFound(error.message, { cause: error });
    if (error.errno === 'ELOOP' || error.errno === 'ENAMETOOLONG')
      throw invalidArgument(error.message, { cause: error });
  }
  throw error;
}
