import { EngineError, errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { isMountPoint } from '../lib/mount-table.ts';
import { limitProject } from '../lib/project-quota.ts';
import { parseLocalOptions } from './local-options.ts';
import { mountCallOf, type MountCall } from './mount-call.ts';
import type { Volume } from './volumes.ts';

interface MountsOptions {
  runTask: (argv: string[]) => Promise<void>;
  logger: Logger;
  /** This engine is an ordinary user's: the kernel lets it mount little. */
  rootless: boolean;
}

/** Who uses the files of which volume. The caller takes turns for one volume. */
export interface VolumeMounts {
  mount(volume: Volume, user: string): Promise<string>;
  unmount(volume: Volume, user: string): Promise<void>;
  /** Unmounts, whoever uses it; throws when the kernel does not let go. */
  release(volume: Volume): Promise<void>;
  /** Unmounts what nobody uses. */
  releaseIdle(volume: Volume): Promise<void>;
  usersOf(name: string): string[];
  /** From now on the last user unmounts: those from before the engine's start are all known. */
  settle(): void;
}

/** The kernel's mount table is the truth about what is mounted: it outlives the engine. */
export function createVolumeMounts({ runTask, logger, rootless }: MountsOptions): VolumeMounts {
  const users = new Map<string, Set<string>>();
  let settled = false;

  async function mountExternal(volume: Volume): Promise<void> {
    const options = parseLocalOptions(volume.options);
    const call = await mountCallOf(options);
    const { type, device, flags, data } = call;
    try {
      await runTask(['mount-volume', type, device, volume.mountpoint, String(flags), data]);
    } catch (error) {
      const why = errnoOf(error) === 'EPERM' && rootless ? ROOTLESS_LIMITS : '';
      const message = `failed to mount local volume: ${describe(call, volume.mountpoint)}: ${reasonOf(error)}${why}`;
      throw new EngineError('internal', message, { cause: error });
    }
    if (options.sizeBytes === 0) return;
    if (await limitProject(runTask, volume.quotaProject, options.sizeBytes, [volume.mountpoint])) return;
    throw new EngineError('internal', 'size quota requested for volume but no quota support');
  }

  async function release(volume: Volume): Promise<void> {
    if (volume.external) await runTask(['unmount-volume', volume.mountpoint]);
  }

  async function releaseIdle(volume: Volume): Promise<void> {
    if (!settled || users.has(volume.name)) return;
    await release(volume).catch((error: unknown) => {
      logger.warn('volume stays mounted', { volume: volume.name, error: messageOf(error) });
    });
  }

  return {
    async mount(volume, user) {
      const { name, mountpoint } = volume;
      const known = users.get(name) ?? new Set();
      if (volume.external && !(await isMountPoint(mountpoint))) {
        try {
          await mountExternal(volume);
        } catch (error) {
          await releaseIdle(volume);
          const message = `error while mounting volume '${mountpoint}': ${messageOf(error)}`;
          throw new EngineError('internal', message, { cause: error });
        }
      }
      users.set(name, known.add(user));
      return mountpoint;
    },
    async unmount(volume, user) {
      const known = users.get(volume.name);
      if (!known?.delete(user) || known.size > 0) return;
      users.delete(volume.name);
      await releaseIdle(volume);
    },
    release,
    releaseIdle,
    usersOf: (name) => [...(users.get(name) ?? [])],
    settle() {
      settled = true;
    },
  };
}

const ROOTLESS_LIMITS = ": an ordinary user's engine can mount tmpfs and directories, little else";

/** Docker's text, in which a password is not told. */
function describe({ device, flags, data }: MountCall, mountpoint: string): string {
  const told = data.replace(/(^|,)password=[^,]*/, '$1password=********');
  const words = [`mount ${device}:${mountpoint}`];
  if (flags !== 0) words.push(`flags: 0x${flags.toString(16)}`);
  if (data !== '') words.push(`data: ${told}`);
  return words.join(', ');
}

/** The kernel's, without what the task was doing. */
const reasonOf = (error: unknown): string => messageOf(error).split(': ').at(-1) ?? '';
