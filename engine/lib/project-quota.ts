import { errnoOf } from './errors.ts';

/** ESRCH: no quota is on; ENOTTY and EOPNOTSUPP: the filesystem has no projects; EPERM: a user namespace. */
const UNSUPPORTED = new Set(['ESRCH', 'ENOSYS', 'EINVAL', 'ENOTTY', 'EOPNOTSUPP', 'EPERM', 'ENODEV']);

/**
 * Limits what `directories`, still empty, may hold together (native/limit_size.c); 0 bytes take the limit off the
 * filesystem's books. false where the filesystem has no project quotas.
 */
export async function limitProject(
  runTask: (argv: string[]) => Promise<void>,
  project: number,
  bytes: number,
  directories: readonly string[],
): Promise<boolean> {
  try {
    await runTask(['limit-size', String(project), String(bytes), ...directories]);
    return true;
  } catch (error) {
    if (UNSUPPORTED.has(errnoOf(error) ?? '')) return false;
    throw error;
  }
}
