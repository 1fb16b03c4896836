import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:os';
import { mkdirSync } from 'node:fs';
import { EXIT_USAGE } from '../command-line.ts';
import type { EngineOptions } from '../command-line.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { findNativeBinary } from '../native-binary.ts';
import { findOrMakeNamespaces, hasNamespaces, releaseNamespaces } from './namespaces.ts';

/** An ordinary user's PATH often lacks where nft and ip are. */
const SYSTEM_PATH = ':/usr/sbin:/sbin';

/** The cgroup that an ordinary user may have been given. */
interface DelegatedCgroup {
  /** Puts this process where what it starts may divide it. */
  enter(runRoot: string): void;
  leave(runRoot: string): Promise<void>;
}

/**
 * Runs this very command line again, inside the user's namespaces, where it is root of nothing but them; resolves
 * with its exit status. SECURITY: nothing of ours is setuid; newuidmap alone hands out the ids of /etc/subuid.
 */
export async function launchRootless(options: EngineOptions, cgroup: DelegatedCgroup): Promise<number> {
  const { dataRoot, runRoot, socketPath, starterImage, certificateDirectory } = options;
  process.env['PATH'] = `${process.env['PATH'] ?? '/usr/bin:/bin'}${SYSTEM_PATH}`;
  for (const directory of [dataRoot, runRoot]) makeDirectory(directory);
  // Before anything is started: the holder and all shims come to be where this process is.
  cgroup.enter(runRoot);
  const { holder, made } = await findOrMakeNamespaces({
    runRoot,
    binary: findNativeBinary(),
    warn: (message) => process.stderr.write(`engine: ${message}\n`),
  });
  const namespaces = ['--user', '--preserve-credentials', '--mount', '--net', '--target', String(holder)];
  // Inside, the working directory is another and the defaults are root's; of a repeated flag the last one counts.
  const paths = ['--data-root', dataRoot, '--run-root', runRoot, '--socket', socketPath];
  if (starterImage !== undefined) paths.push('--starter-image', starterImage);
  if (certificateDirectory !== undefined) paths.push('--certs-dir', certificateDirectory);
  // Whoever kills the launcher means the engine.
  const engine = ['setpriv', '--pdeathsig', 'KILL', process.execPath, ...process.argv.slice(1), ...paths];
  const child = spawn('nsenter', [...namespaces, '--', ...engine], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill(signal === 'SIGHUP' ? 'SIGTERM' : signal));
  }
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  // Nothing was ever started in namespaces that were made for an engine that refused to start.
  if (made && code === EXIT_USAGE) releaseNamespaces(runRoot);
  if (!hasNamespaces(runRoot)) await cgroup.leave(runRoot);
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}

function makeDirectory(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw invalidArgument(`cannot use directory ${directory}: ${messageOf(cause)}`, { cause });
  }
}
