import { spawn } from 'node:child_process';
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EngineError, invalidArgument } from '../lib/errors.ts';
import { startTimeOf } from '../lib/process-start-time.ts';
import { UPLINK } from './uplink.ts';

const START_TIMEOUT_MS = 10_000;
const POLL_MS = 20;
const HOLDER_FILE = 'namespaces.pid';

interface NamespacesOptions {
  /** Writable only by the user. */
  runRoot: string;
  /** The native helper. */
  binary: string;
  warn: (message: string) => void;
}

/**
 * Pid of the process that keeps the user, mount and network namespaces of this run root, started when there is none:
 * an engine that starts again must come back to where its containers and their networks are. Rejects when the
 * kernel gives an ordinary user no namespaces.
 */
export async function findOrMakeNamespaces(
  options: NamespacesOptions,
): Promise<{ holder: number; made: boolean }> {
  checkRunRoot(options.runRoot);
  const found = readHolder(options.runRoot);
  if (found !== undefined) return { holder: found, made: false };
  const uplink = await startUplink(options);
  try {
    const holder = await startHolder(options, uplink).catch((cause: unknown) => {
      options.warn(
        `no range of user and group ids (newuidmap of the package uidmap, /etc/subuid, /etc/subgid): images whose files belong to other users than root cannot be used: ${String(cause)}`,
      );
      return startHolder(options, uplink, true);
    });
    const pid = holder.pid ?? 0;
    writeFileSync(path.join(options.runRoot, HOLDER_FILE), `${pid} ${startTimeOf(pid)}\n`, { mode: 0o600 });
    holder.unref();
    return { holder: pid, made: true };
  } finally {
    // From here on only the holder has the other end: the uplink ends with it.
    uplink?.lifeline.destroy();
  }
}

/** Ends the namespaces that this engine is in; what still runs in them keeps them until it ends. */
export function releaseNamespaces(runRoot: string): void {
  const pid = readHolder(runRoot);
  rmSync(path.join(runRoot, HOLDER_FILE), { force: true });
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
}

/** Whether the namespaces of this run root were neither released nor lost. */
export const hasNamespaces = (runRoot: string): boolean => readHolder(runRoot) !== undefined;

/** SECURITY: a directory in /tmp may be somebody else's, who would then own our sockets. */
function checkRunRoot(runRoot: string): void {
  const stat = lstatSync(runRoot);
  if (!stat.isDirectory() || stat.uid !== process.getuid?.() || (stat.mode & 0o022) !== 0) {
    throw invalidArgument(
      `${runRoot} must be a directory that belongs to you and that nobody else can write`,
    );
  }
}

/** undefined: none, or a process that has its number by now. */
function readHolder(runRoot: string): number | undefined {
  const file = path.join(runRoot, HOLDER_FILE);
  if (!existsSync(file)) return undefined;
  const [pid = '', startTime = ''] = readFileSync(file, 'utf8').trim().split(' ');
  return startTime !== '' && startTimeOf(Number(pid)) === startTime ? Number(pid) : undefined;
}

interface RunningUplink {
  socketPath: string;
  /** slirp4netns ends when all copies of this are closed. */
  lifeline: Socket;
}

/**
 * slirp4netns stays outside and speaks raw frames over a socket (its BESS mode), so that neither it nor anything
 * else needs /dev/net/tun. SECURITY: no way to what listens on the host's loopback (2025-9074 class).
 */
async function startUplink({ runRoot, warn }: NamespacesOptions): Promise<RunningUplink | undefined> {
  const socketPath = path.join(runRoot, UPLINK.framesSocket);
  const apiSocket = path.join(runRoot, UPLINK.apiSocket);
  for (const stale of [socketPath, apiSocket]) rmSync(stale, { force: true });
  const flags = [
    '--target-type=bess',
    '--disable-host-loopback',
    '--enable-seccomp',
    '--exit-fd=3',
    `--api-socket=${apiSocket}`,
  ];
  const child = spawn('slirp4netns', [...flags, socketPath], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  });
  let failure: string | undefined;
  child.on('error', (error) => (failure = error.message));
  child.on('exit', (code) => (failure = `it exited with code ${code}`));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!existsSync(socketPath)) {
    if (failure !== undefined || Date.now() > deadline) break;
    await delay(POLL_MS);
  }
  child.unref();
  if (existsSync(socketPath)) return { socketPath, lifeline: child.stdio[3] as Socket };
  child.kill();
  warn(`no way out for containers and no published ports: slirp4netns: ${failure ?? 'it does not answer'}`);
  return undefined;
}

/** Runs inside the new namespaces, as their root, and becomes the holder. */
const SET_UP = `
ip link set dev lo up
if [ -d /sys/fs/cgroup ]; then
  mkdir -p "$RUN_ROOT/cgroup"
  mount --rbind /sys/fs/cgroup "$RUN_ROOT/cgroup"
fi
mount -t sysfs -o nosuid,nodev,noexec sysfs /sys
if [ -d "$RUN_ROOT/cgroup" ]; then
  mount --rbind "$RUN_ROOT/cgroup" /sys/fs/cgroup
  umount -l "$RUN_ROOT/cgroup"
  rmdir "$RUN_ROOT/cgroup"
fi
[ -n "$UPLINK_SOCKET" ] || exec "$SHIM" hold
ip -batch - <<END
link add name ${UPLINK.near} type veth peer name ${UPLINK.far}
link set dev ${UPLINK.far} up
address add ${UPLINK.address}/24 dev ${UPLINK.near}
link set dev ${UPLINK.near} up
route add default via ${UPLINK.gateway}
END
mount --bind "$RUN_ROOT/resolv.conf" "$(readlink -f /etc/resolv.conf)"
exec "$SHIM" hold "$UPLINK_SOCKET" ${UPLINK.near} ${UPLINK.far}
`;

async function startHolder(
  { runRoot, binary }: NamespacesOptions,
  uplink: RunningUplink | undefined,
  singleId = false,
): Promise<ChildProcess> {
  writeFileSync(path.join(runRoot, 'resolv.conf'), uplink ? resolverFile() : '');
  const ids = ['--map-root-user', ...(singleId ? [] : ['--map-auto'])];
  const stdio: StdioOptions = ['ignore', 'pipe', 'pipe', ...(uplink ? [uplink.lifeline] : [])];
  const holder = spawn('unshare', ['--user', ...ids, '--mount', '--net', 'sh', '-ec', SET_UP], {
    detached: true,
    cwd: '/',
    stdio,
    env: {
      ...process.env,
      RUN_ROOT: runRoot,
      SHIM: binary,
      UPLINK_SOCKET: uplink?.socketPath ?? '',
    },
  });
  let [output, errors] = ['', ''];
  const { stdout, stderr } = holder;
  if (!stdout || !stderr) throw new Error('no pipes to unshare');
  stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const timer = setTimeout(() => holder.kill('SIGKILL'), START_TIMEOUT_MS);
  try {
    // The holder closes its output when it is ready, or by its end.
    await once(holder, 'spawn');
    await Promise.all([once(stdout, 'close'), once(stderr, 'close')]);
  } finally {
    clearTimeout(timer);
  }
  if (output.includes('ready')) return holder;
  throw new EngineError('internal', `cannot make namespaces: ${errors.trim() || 'no answer'}`);
}

/** The user-mode stack answers for the host's resolver, also where that is 127.0.0.53. */
function resolverFile(): string {
  const kept = readFileSync('/etc/resolv.conf', 'utf8')
    .split('\n')
    .filter((line) => /^(search|domain|options)\s/.test(line));
  return [`nameserver ${UPLINK.resolver}`, ...kept, ''].join('\n');
}
