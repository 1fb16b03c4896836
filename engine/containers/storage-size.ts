import { EngineError, errnoOf } from '../lib/errors.ts';
import type { Runtime } from '../runtime/runtime.ts';
import type { HostConfig } from '../wire/container.ts';

const UNITS = ['', 'k', 'm', 'g', 't', 'p'];

/**
 * `HostConfig.StorageOpt` in bytes, 0 without a limit. Errors are of kind internal, Docker's status for what its storage
 * driver refuses.
 */
export function storageBytes({ StorageOpt }: Pick<HostConfig, 'StorageOpt'>): number {
  let bytes = 0;
  for (const [name, value] of Object.entries(StorageOpt ?? {})) {
    if (name.toLowerCase() !== 'size') throw new EngineError('internal', `Unknown option ${name}`);
    const match = /^(\d+(?:\.\d+)?) ?([kmgtp])?i?b?$/i.exec(value);
    if (!match) throw new EngineError('internal', `invalid size: '${value}'`);
    bytes = Math.floor(Number(match[1]) * 1024 ** UNITS.indexOf((match[2] ?? '').toLowerCase()));
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
  try {
    await runtime.runTask(['limit-size', String(projectOf(containerId)), String(bytes), ...directories]);
  } catch (error) {
    if (!UNSUPPORTED.has(errnoOf(error) ?? '')) throw error;
    throw new EngineError(
      'internal',
      "--storage-opt is supported only for overlay over xfs with 'pquota' mount option",
      {
        cause: error,
        hint: "ext4 with the features project and quota and the mount option 'prjquota' will do, too",
      },
    );
  }
}

/** ESRCH: no quota is on; ENOTTY and EOPNOTSUPP: the filesystem has no projects; EPERM: a user namespace. */
const UNSUPPORTED = new Set(['ESRCH', 'ENOSYS', 'EINVAL', 'ENOTTY', 'EOPNOTSUPP', 'EPERM', 'ENODEV']);

/** Takes the limit of a container that is removed off the filesystem's books. */
export async function unlimitStorage(
  runtime: Pick<Runtime, 'runTask'>,
  containerId: string,
  directory: string,
): Promise<void> {
  await runtime.runTask(['limit-size', String(projectOf(containerId)), '0', directory]);
}
