import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import { startTimeOf } from '../lib/process-start-time.ts';
import { removeCgroups } from '../runtime/cgroups/remove.ts';
import type { RuntimeSpec } from '../runtime/oci/spec.ts';
import { encodeContainerPlan } from '../runtime/plan-encoding.ts';
import { cgroupOf } from './cgroup-path.ts';
import { compilePlan } from './compile-plan.ts';
import { type ContainerState, forget, reserve, saveState } from './container-state.ts';
import type { OciContext } from './context.ts';
import { signal } from './delete.ts';
import { type FlagKind, type Flags, onlyId, parseFlags } from './flags.ts';
import { callNative } from './native-call.ts';
import { writePidFile } from './pid-file.ts';
import { readSpec } from './read-spec.ts';

export const CREATE_FLAGS: Record<string, FlagKind> = {
  bundle: 'text',
  'pid-file': 'text',
  'console-socket': 'text',
  'preserve-fds': 'text',
  'no-pivot': 'switch',
  'no-new-keyring': 'switch',
};

export async function create(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, CREATE_FLAGS, { b: 'bundle' });
  const prepared = prepare(context, flags, onlyId(rest));
  let pid: number | undefined;
  try {
    if (prepared.spec.process?.terminal && !flags.text('console-socket'))
      throw invalidArgument('cannot allocate tty if runc will detach without setting console socket');
    pid = callNative(prepared.call);
    finish(prepared, pid, flags);
  } catch (error) {
    await abandon(context, prepared, pid);
    throw error;
  }
  return 0;
}

export interface Prepared {
  id: string;
  directory: string;
  bundle: string;
  spec: RuntimeSpec;
  cgroup: { id: string; parent: string };
  cgroupDirectories: string[];
  rootfs: string;
  call: Parameters<typeof callNative>[0];
}

/** Everything up to the native call: the id is taken, the plan is on disk. */
export function prepare(context: OciContext, flags: Flags, id: string): Prepared {
  const bundle = path.resolve(flags.text('bundle') ?? '.');
  const spec = readSpec(bundle);
  const isShared = (spec.linux?.namespaces ?? []).some(({ type }) => type === 'user');
  const directory = reserve(context.root, id, isShared);
  try {
    const cgroup = cgroupOf(spec.linux?.cgroupsPath, id, context.systemdCgroup);
    const preservedDescriptors = Number(flags.text('preserve-fds') ?? 0) + listenDescriptors();
    const plan = compilePlan({
      id,
      spec,
      bundle,
      directory,
      cgroups: context.cgroups(),
      cgroup,
      noPivot: flags.isSet('no-pivot'),
      noNewKeyring: flags.isSet('no-new-keyring'),
      preservedDescriptors,
    });
    writeFileSync(path.join(directory, 'plan'), encodeContainerPlan(plan), { mode: 0o600 });
    const call = {
      binary: context.binary,
      words: ['oci-create', directory],
      preservedDescriptors,
      console: flags.path('console-socket'),
    };
    const [rootfs = ''] = plan.rootfs.lower;
    return { id, directory, bundle, spec, cgroup, cgroupDirectories: plan.cgroup.directories, rootfs, call };
  } catch (error) {
    forget(context.root, id);
    throw error;
  }
}

export function finish(prepared: Prepared, pid: number, flags: Flags): ContainerState {
  const { id, bundle, directory, spec, cgroup, cgroupDirectories, rootfs } = prepared;
  const startTime = startTimeOf(pid);
  if (startTime === undefined)
    throw new EngineError('internal', "the container's process died during its set-up");
  const created = new Date().toISOString();
  const state = { id, pid, startTime, bundle, created, rootfs, cgroupDirectories, cgroup, spec };
  saveState(directory, state);
  writePidFile(flags.text('pid-file'), pid);
  return state;
}

/** Nothing of a create that failed stays, also not its process: `pid`. */
export async function abandon(context: OciContext, prepared: Prepared, pid?: number): Promise<void> {
  if (pid !== undefined) signal(pid, 'SIGKILL');
  await removeCgroups(prepared.cgroupDirectories.toReversed());
  forget(context.root, prepared.id);
}

/** sd_listen_fds(3): what systemd activated the caller with goes on to the container. */
const listenDescriptors = (): number => Number(process.env['LISTEN_FDS'] ?? 0) || 0;
