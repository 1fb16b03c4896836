import { appendFileSync, existsSync, writeSync } from 'node:fs';
import { invalidArgument, messageOf, notImplemented } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import { findNativeBinary } from '../native-binary.ts';
import { detectCgroups } from '../runtime/cgroups/detect.ts';
import { OCI_VERSION } from './container-state.ts';
import type { Command, OciContext } from './context.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { events } from './events.ts';
import { exec } from './exec.ts';
import { features, spec } from './features.ts';
import { type Flags, parseFlags } from './flags.ts';
import { pause, resume } from './freeze.ts';
import { list, ps, state } from './inspect.ts';
import { run } from './run.ts';
import { kill } from './signal.ts';
import { start } from './start.ts';
import { update } from './update.ts';

const DEFAULT_ROOT = '/run/gantry-oci';
/** runc's: callers tell a failed exec from a process that exited with 1. */
const EXEC_FAILED = 255;

const USAGE = `usage: gantry-runc [GLOBAL FLAG...] COMMAND [FLAG...] ID [ARGUMENT...]
global flags: --root DIR (default ${DEFAULT_ROOT}), --log FILE, --log-format text|json, --debug, --systemd-cgroup,
  --rootless BOOL, --help, --version
commands: create, start, state, kill, delete, run, exec, ps, pause, resume, update, events, list, spec, features
`;

const unsupported =
  (name: string): Command =>
  () => {
    throw notImplemented(`${name} of containers`);
  };

const COMMANDS: Readonly<Record<string, Command>> = {
  create,
  start,
  state,
  kill,
  delete: remove,
  run,
  exec,
  ps,
  pause,
  resume,
  update,
  events,
  list,
  spec,
  features,
  checkpoint: unsupported('checkpoint'),
  restore: unsupported('restore'),
};

async function main(argv: readonly string[]): Promise<number> {
  const { flags, rest } = parseFlags(
    argv,
    {
      root: 'text',
      log: 'text',
      'log-format': 'text',
      debug: 'switch',
      'systemd-cgroup': 'switch',
      rootless: 'text',
      criu: 'text',
      'cgroup-manager': 'text',
      help: 'switch',
      version: 'switch',
    },
    { h: 'help', v: 'version' },
  );
  const [name = '', ...rest2] = rest;
  if (flags.isSet('version')) print(`gantry-runc version ${VERSION}\nspec: ${OCI_VERSION}\n`);
  else if (flags.isSet('help') || name === '' || name === 'help') print(USAGE);
  else return await runCommand(flags, name, rest2);
  return 0;
}

async function runCommand(flags: Flags, name: string, argv: readonly string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  try {
    if (!command) throw invalidArgument(`unknown command: ${name}`);
    return await command(contextOf(flags), argv);
  } catch (error) {
    const prefix = name === 'exec' ? 'exec failed: ' : '';
    report(flags, 'error', `${prefix}${messageOf(error)}`);
    return name === 'exec' ? EXEC_FAILED : 1;
  }
}

function contextOf(flags: Flags): OciContext {
  const systemdCgroup = flags.isSet('systemd-cgroup') || flags.text('cgroup-manager') === 'systemd';
  if (systemdCgroup && !existsSync('/run/systemd/system'))
    throw invalidArgument('systemd not running on this host, cannot use systemd cgroups manager');
  let cgroups: ReturnType<typeof detectCgroups> | undefined;
  return {
    root: flags.text('root') ?? DEFAULT_ROOT,
    binary: findNativeBinary(),
    cgroups: () => (cgroups ??= detectCgroups({ parent: 'gantry-oci', rootless: false })),
    systemdCgroup,
    print,
    warn: (message) => report(flags, 'warning', message),
  };
}

/** To the log, whose lines callers parse, and errors to stderr, which people read. */
function report(flags: Flags, level: 'error' | 'warning', message: string): void {
  const file = flags.text('log');
  const time = new Date().toISOString();
  const line =
    flags.text('log-format') === 'json'
      ? JSON.stringify({ level, msg: message, time })
      : `time=${JSON.stringify(time)} level=${level} msg=${JSON.stringify(message)}`;
  if (file !== undefined) appendFileSync(file, `${line}\n`);
  if (file === undefined || level === 'error') writeSync(2, `${file === undefined ? line : message}\n`);
}

/** Synchronous: what was printed is out when the process ends. */
function print(text: string): void {
  writeSync(1, text);
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => {
  writeSync(2, `gantry-runc: ${messageOf(error)}\n`);
  return 1;
});
