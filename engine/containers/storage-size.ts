import { parseSize } from '../lib/byte-size.ts';
import { EngineError, messageOf } from '../lib/errors.ts';
import { limitProject } from '../lib/project-quota.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { HostConfig } from '../wire/container.ts';

/**
 * `HostConfig.StorageOpt` in bytes, 0 without a limit. Errors are of kind internal, Docker's status for what its storage
 * driver refuses.
 */
export function storageBytes({ StorageOpt }: Pick<HostConfig, 'StorageOpt'>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(StorageOpt ?? {})) {
    if (name.toLowerCase() !== 'size') throw new EngineError('internal', `Unknown option ${name}`);
    try {
      bytes = parseSize(value, 1024);
    } catch (error) {
      throw new EngineError('internal', messageOf(error), { cause: error });
    }
  }
  return bytes;
}

/** No state to keep: 30 random bits of the ID, beyond the numbers that people give to projects. */
const projectOf = (containerId: string): number =>
  0x4000_0000 + (Number.parseInt(containerId.slice(0, 8), 16) & 0x3fff_ffff);

/**
 * Limits what a new container may write. `directories` are those of its writable layer, still empty: both, since
 * overlay renames from one to the other and a rename does not leave a project.
 */
export async function limitStorage(
  runtime: Pick<Runtime, 'runTask'>,
  containerId: string,
  bytes: number,
  directories: readonly string[],
): Promise<void> {
  if (await limitProject((argv) => runtime.runTask(argv), projectOf(containerId), bytes, directories)) return;
  throw new EngineError(
    'internal',
    "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
    { hint: "ext4 with the features project and quota and the mount option 'prjquota' will do, too" },
  );
}

/** Takes the limit of a container that is removed off the filesystem's books. */
export async function unlimitStorage(
  runtime: Pick<Runtime, 'runTask'>,
  containerId: string,
  directory: string,
): Promise<void> {
  await limitProject((argv) => runtime.runTask(argv), projectOf(containerId), 0, [directory]);
}
