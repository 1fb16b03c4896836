import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conflict, invalidArgument } from '../lib/errors.ts';
import type { SpecProcess } from '../runtime/oci/spec.ts';
import { encodeExecPlan } from '../runtime/plan-encoding.ts';
import { compileProcess } from './compile-process.ts';
import { type ContainerState, directoryOf, loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { type FlagKind, type Flags, parseFlags } from './flags.ts';
import { callNative, callNativeAndWait } from './native-call.ts';
import { writePidFile } from './pid-file.ts';
import { readProcess } from './read-spec.ts';

const EXEC_FLAGS: Record<string, FlagKind> = {
  'console-socket': 'text',
  cwd: 'text',
  env: 'list',
  tty: 'switch',
  user: 'text',
  'additional-gids': 'list',
  process: 'text',
  detach: 'switch',
  'pid-file': 'text',
  'process-label': 'text',
  apparmor: 'text',
  'no-new-privs': 'switch',
  cap: 'list',
  'preserve-fds': 'text',
  cgroup: 'list',
  'ignore-paused': 'switch',
};
const SHORT = { e: 'env', t: 'tty', u: 'user', g: 'additional-gids', p: 'process', d: 'detach', c: 'cap' };

/** `exec [flags] ID [COMMAND ARGUMENT…]`: the process is described by a file or by flags. */
export async function exec(context: OciContext, argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(argv, EXEC_FLAGS, SHORT);
  const [id = '', ...command] = rest;
  const state = loadState(context.root, id);
  const status = statusOf(context.root, state);
  if (status === 'stopped') throw conflict('cannot exec in a stopped container');
  if (status === 'paused')
    throw conflict('cannot exec in a paused container (use --ignore-paused to override)');
  const process = describe(state, flags, command);
  const detach = flags.isSet('detach');
  const console = flags.path('console-socket');
  if (process.terminal && detach && console === '')
    throw invalidArgument('cannot allocate tty if runc will detach without setting console socket');
  const directory = directoryOf(context.root, id);
  const name = `exec-${randomBytes(8).toString('hex')}`;
  const file = path.join(directory, name);
  const plan = { id: name, process: compileProcess(process, state.spec.linux?.seccomp), document: null };
  writeFileSync(file, encodeExecPlan(plan), { mode: 0o600 });
  try {
    const call = {
      binary: context.binary,
      words: ['oci-exec', directory, name, String(state.pid)],
      preservedDescriptors: Number(flags.text('preserve-fds') ?? 0),
      console,
    };
    const told = (pid: number): void => writePidFile(flags.text('pid-file'), pid);
    if (!detach) return await callNativeAndWait(call, async (pid) => told(pid));
    told(callNative(call));
    return 0;
  } finally {
    rmSync(file, { force: true });
  }
}

/** The file, or the container's own process with what the flags change. */
function describe({ spec }: ContainerState, flags: Flags, command: readonly string[]): SpecProcess {
  const file = flags.text('process');
  if (file !== undefined) return readProcess(file);
  const own = spec.process;
  if (!own || command.length === 0) throw invalidArgument('exec args cannot be empty');
  const [, uid, gid] = /^(\d+)(?::(\d+))?$/.exec(flags.text('user') ?? '') ?? [];
  if (flags.text('user') !== undefined && uid === undefined) throw invalidArgument('user must be UID[:GID]');
  const added = flags.list('cap');
  const withAdded = (names: string[] | undefined): string[] => [...(names ?? []), ...added];
  const sets = own.capabilities ?? {};
  return {
    ...own,
    args: [...command],
    env: [...(own.env ?? []), ...flags.list('env')],
    cwd: flags.text('cwd') ?? own.cwd,
    terminal: flags.isSet('tty'),
    ...(flags.text('apparmor') ? { apparmorProfile: flags.text('apparmor') ?? '' } : {}),
    noNewPrivileges: flags.isSet('no-new-privs') || own.noNewPrivileges === true,
    user: {
      ...own.user,
      ...(uid === undefined ? {} : { uid: Number(uid), gid: Number(gid ?? own.user.gid) }),
      additionalGids: [...(own.user.additionalGids ?? []), ...flags.list('additional-gids').map(Number)],
    },
    capabilities: {
      ...sets,
      bounding: withAdded(sets.bounding),
      effective: withAdded(sets.effective),
      permitted: withAdded(sets.permitted),
    },
  };
}
