import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';

interface TrashOptions {
  /** `<data-root>/trash`, on the file system of what is thrown away. */
  directory: string;
  /** Runs `remove-tree PATH` of the native helper. */
  runTask: (argv: string[]) => Promise<void>;
  logger: Logger;
}

/** Removal that is instant for the caller: a rename now, the deleting in the background or after a restart. */
export class Trash {
  readonly #options: TrashOptions;
  #work: Promise<void> = Promise.resolve();

  constructor(options: TrashOptions) {
    this.#options = options;
  }

  /** Goes on with what a crash left. */
  async start(): Promise<void> {
    const { directory } = this.#options;
    await mkdir(directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(directory)) this.#removeLater(path.join(directory, name));
  }

  /** Moves a file or directory away; a missing one is no error. */
  async discard(victim: string): Promise<void> {
    const place = path.join(this.#options.directory, `image-${randomBytes(8).toString('hex')}`);
    try {
      await rename(victim, place);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw error;
    }
    this.#removeLater(place);
  }

  /** Resolves when everything discarded so far is gone. */
  async settled(): Promise<void> {
    await this.#work;
  }

  #removeLater(place: string): void {
    this.#work = this.#work
      .then(() => this.#options.runTask(['remove-tree', place]))
      .catch((error: unknown) => {
        this.#options.logger.warn('trash not removed, will be tried at the next start', {
          path: place,
          error: messageOf(error),
        });
      });
  }
}
