import { existsSync } from 'node:fs';
import { EngineError, invalidArgument } from '../../lib/errors.ts';
import { isRootless } from '../../lib/user-namespace.ts';
import type { CgroupDriver } from '../cgroup.ts';
import { delegatedDirectory } from './delegation.ts';
import { NoneDriver } from './none-driver.ts';
import { V1Driver } from './v1-driver.ts';
import { V2Driver } from './v2-driver.ts';

interface DetectOptions {
  /** Name of the engine's own directory in every hierarchy. */
  parent?: string;
  root?: string;
  procfs?: string;
  /** Whether this engine is an ordinary user's, to whom the host's cgroups are closed. */
  rootless?: boolean;
  /** The directory of a v2 hierarchy that such an engine was delegated. */
  delegated?: string | undefined;
}

/** The driver for what is mounted at `root`: v2 when the root itself is a unified cgroup, else v1 or hybrid. */
export function detectCgroups({
  parent = 'gantry',
  root = '/sys/fs/cgroup',
  procfs = '/proc',
  rootless = isRootless(),
  delegated = rootless ? delegatedDirectory({ root, procfs }) : undefined,
}: DetectOptions = {}): CgroupDriver {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(parent)) {
    throw invalidArgument(`invalid cgroup parent: ${JSON.stringify(parent)}`);
  }
  const unified = existsSync(`${root}/cgroup.controllers`);
  if (rootless && delegated !== undefined) {
    return new V2Driver({ root: delegated, parent, procfs, devices: false });
  }
  if (rootless) return new NoneDriver({ version: unified ? 2 : 1, procfs });
  if (unified) return new V2Driver({ root, parent, procfs });
  if (!existsSync(root)) throw new EngineError('internal', `no cgroup filesystem at ${root}`);
  return new V1Driver({ root, parent, procfs });
}
