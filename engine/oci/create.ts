import { renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import { startTimeOf } from '../lib/process-start-time.ts';
import type { RuntimeSpec } from '../runtime/oci/spec.ts';
import { encodeContainerPlan } from '../runtime/plan-encoding.ts';
import { compilePlan } from './compile-plan.ts';
import { type ContainerState, forget, reserve, saveState } from './container-state.ts';
import type { OciContext } from './context.ts';
import { destroy } from './delete.ts';
import { type FlagKind, type Flags, parseFlags } from './flags.ts';
import { callNative, callNativeAndWait } from './native-call.ts';
import { readSpec } from './read-spec.ts';
import { startState } from './start.ts';

const CREATE_FLAGS: Record<string, FlagKind> = {
  bundle: 'text',
  'pid-file': 'text',
  'console-socket': 'text',
  'preserve-fds': 'text',
  'no-pivot': 'switch',
  'no-new-keyring': 'switch',
};

export function create(context: OciContext, argv: readonly string[]): number {
  const { flags, rest } = parseFlags(argv, CREATE_FLAGS, { b: 'bundle' });
  const prepared = prepare(context, flags, onlyId(rest));
  if (prepared.spec.process?.terminal && !flags.text('console-socket'))
    throw abandon(
      context,
      prepared,
      invalidArgument('cannot allocate tty if runc will detach without setting console socket'),
    );
  try {
    finish(prepared, callNative(prepared.call), flags);
  } catch (error) {
    throw abandon(context, prepared, error);
  }
  return 0;
}

/** create, start, wait and delete in one; with --detach it ends like `create` and `start`. */
export async function run(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(
    argv,
    { ...CREATE_FLAGS, detach: 'switch', keep: 'switch', 'no-subreaper': 'switch' },
    { b: 'bundle', d: 'detach' },
  );
  const id = onlyId(rest);
  if (flags.isSet('detach')) {
    const status = create(
      context,
      argv.filter((word) => !/^--?(d|detach)$/.test(word)),
    );
    await startState(context, id);
    return status;
  }
  const prepared = prepare(context, flags, id);
  let state: ContainerState | undefined;
  try {
    const status = await callNativeAndWait(prepared.call, async (pid) => {
      state = finish(prepared, pid, flags);
      await startState(context, id);
    });
    return status;
  } catch (error) {
    throw state ? error : abandon(context, prepared, error);
  } finally {
    if (state && !flags.isSet('keep')) await destroy(context, state);
  }
}

export function onlyId(rest: readonly string[]): string {
  const [id] = rest;
  if (id === undefined || id === '') throw invalidArgument('container id cannot be empty');
  if (rest.length > 1) throw invalidArgument('exactly 1 argument is required: the container id');
  return id;
}

interface Prepared {
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
function prepare(context: OciContext, flags: Flags, id: string): Prepared {
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
      console: absolute(flags.text('console-socket')),
    };
    const [rootfs = ''] = plan.rootfs.lower;
    return { id, directory, bundle, spec, cgroup, cgroupDirectories: plan.cgroup.directories, rootfs, call };
  } catch (error) {
    forget(context.root, id);
    throw error;
  }
}

function finish(prepared: Prepared, pid: number, flags: Flags): ContainerState {
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

/** Whole or not there: callers wait for it to appear. */
export function writePidFile(file: string | undefined, pid: number): void {
  if (file === undefined) return;
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}`);
  writeFileSync(temporary, String(pid), { mode: 0o644 });
  renameSync(temporary, file);
}

function abandon(context: OciContext, prepared: Prepared, error: unknown): unknown {
  forget(context.root, prepared.id);
  return error;
}

export const absolute = (file: string | undefined): string => (file === undefined ? '' : path.resolve(file));

/** sd_listen_fds(3): what systemd activated the caller with goes on to the container. */
const listenDescriptors = (): number => Number(process.env['LISTEN_FDS'] ?? 0) || 0;

/** `cgroupsPath`, or systemd's `slice:prefix:name` as the directories that systemd makes of it (systemd.slice(5)). */
export function cgroupOf(
  cgroupsPath: string | undefined,
  id: string,
  systemd: boolean,
): { id: string; parent: string } {
  if (!cgroupsPath) return { id, parent: '/' };
  if (systemd) return systemdCgroup(cgroupsPath, id);
  const whole = path.posix.normalize(`/${cgroupsPath}`);
  return { id: path.posix.basename(whole) || id, parent: path.posix.dirname(whole) };
}

function systemdCgroup(text: string, id: string): { id: string; parent: string } {
  const [slice = '', prefix = '', name = id, ...more] = text.split(':');
  if (more.length > 0 || name === '')
    throw invalidArgument(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(text)} instead`,
    );
  const parts = (slice || 'system.slice').replace(/\.slice$/, '').split('-');
  const directories = parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`);
  const unit = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  return { id: unit, parent: `/${parts[0] === '' ? '' : directories.join('/')}` };
}
