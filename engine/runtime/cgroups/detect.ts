import { existsSync } from 'node:fs';
import { EngineError, invalidArgument } from '../../lib/errors.ts';
import type { CgroupDriver } from '../cgroup.ts';
import { V1Driver } from './v1-driver.ts';
import { V2Driver } from './v2-driver.ts';

export interface DetectOptions {
  /** Name of the engine's own directory in every hierarchy. */
  parent?: string;
  root?: string;
  procfs?: string;
}

/** The driver for what is mounted at `root`: v2 when the root itself is a unified cgroup, else v1 or hybrid. */
export function detectCgroups({
  parent = 'gantry',
  root = '/sys/fs/cgroup',
  procfs = '/proc',
}: DetectOptions = {}): CgroupDriver {
  if (!/^[A-Za-z0-9_-][A-Za-z0-9_.-]*$/.test(parent)) {
    throw invalidArgument(`invalid cgroup parent: ${JSON.stringify(parent)}`);
  }
  if (existsSync(`${root}/cgroup.controllers`)) return new V2Driver({ root, parent, procfs });
  if (!existsSync(root)) throw new EngineError('internal', `no cgroup filesystem at ${root}`);
  return new V1Driver({ root, parent, procfs });
}
