import { readdirSync } from 'node:fs';
import path from 'node:path';
import { EngineError, errnoOf } from '../lib/errors.ts';
import type { Container } from './container.ts';
import { initLayerDirectory, type ContainersContext } from './context.ts';

/**
 * Makes the working directory in the writable layer of a new container unless the image has it: there it is for
 * `docker cp`, and with a read-only root. What a start would mount over it is not asked: that start makes it, too.
 * `lower`: the layers of the image.
 */
export async function makeWorkingDirectory(
  context: ContainersContext,
  { record, directory }: Container,
  lower: string[],
): Promise<void> {
  const cwd = record.config.WorkingDir || '/';
  // An image never changes: what was once found in it is in it.
  const place = `${record.imageId} ${cwd}`;
  if (cwd === '/' || context.imageDirectories.has(place)) return;
  const upper = path.join(directory, 'upper');
  const lowers = [initLayerDirectory(context), ...lower].flatMap((layer) => ['--lower', layer]);
  const writable = ['--upper', upper, '--work', path.join(directory, 'work')];
  try {
    await context.runtime.runTask(['make-directory', ...lowers, ...writable, cwd]);
  } catch (error) {
    if (errnoOf(error) !== 'ENOTDIR') throw error;
    throw new EngineError('internal', `Cannot mkdir: ${cwd} is not a directory`, { cause: error });
  }
  if (readdirSync(upper).length === 0) context.imageDirectories.add(place);
}
