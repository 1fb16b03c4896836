import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Dockerode from 'dockerode';
import { messageOf } from '../lib/errors.ts';
import { createDockerCli } from './docker-cli.ts';
import type { DockerCli } from './docker-cli.ts';
import { NODE_COMMAND, spawnEngine } from './engine-process.ts';
import { findLeaks } from './leaks.ts';
import type { EngineFootprint } from './leaks.ts';
import type { OrdinaryUser } from './ordinary-user.ts';
import { createApi } from './raw-api.ts';
import type { Api } from './raw-api.ts';

const STARTER_IMAGE = fileURLToPath(new URL('../../build/starter/busybox.tar', import.meta.url));

interface TestEngineOptions {
  /** Additional flags. */
  flags?: string[];
  /** false: an empty store instead of `busybox:latest`. */
  starterImage?: boolean;
  /** An existing directory, e.g. of a small filesystem; default: a new one. */
  dataRoot?: string;
  /** Default: root. */
  user?: OrdinaryUser;
  /** What goes before the command that starts the engine, e.g. to be in another network. */
  within?: string[];
}

/** A real engine in directories, a bridge, a subnet and a cgroup parent of its own. */
export interface TestEngine extends DockerCli {
  readonly directory: string;
  readonly dataRoot: string;
  readonly runRoot: string;
  readonly socketPath: string;
  readonly bridge: string;
  readonly subnet: string;
  readonly cgroupParent: string;
  readonly api: Api;
  readonly dockerode: Dockerode;
  pid(): number;
  /** What the running engine process logged. */
  log(): string;
  /** SIGKILL, as a crash. Containers go on. */
  kill9(): Promise<void>;
  /** Starts the engine again on the same directories, ending it in order first when it runs. */
  restart(): Promise<void>;
  /** Removes every container, stops the engine and throws when anything is left on the machine. */
  stop(): Promise<void>;
}

export async function startEngine(options: TestEngineOptions = {}): Promise<TestEngine> {
  const marker = randomBytes(4).toString('hex');
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-test-'));
  const dataRoot = options.dataRoot ?? path.join(directory, 'data');
  const runRoot = path.join(directory, 'run');
  const socketPath = path.join(directory, 'api.sock');
  const footprint: EngineFootprint = {
    directory,
    marker,
    bridge: `gt${marker}`,
    cgroupParent: `gantry-test-${marker}`,
  };
  const subnet = freeSubnet();
  const values = {
    'data-root': dataRoot,
    'run-root': runRoot,
    socket: socketPath,
    bridge: footprint.bridge,
    'default-subnet': subnet,
    'cgroup-parent': footprint.cgroupParent,
    'log-level': 'debug',
    ...(options.starterImage === false ? {} : { 'starter-image': STARTER_IMAGE }),
  };
  const flags = [
    ...Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]),
    ...(options.flags ?? []),
  ];
  mkdirSync(path.join(directory, 'docker'));
  const command = [...(options.within ?? []), ...(options.user?.command(directory) ?? NODE_COMMAND)];
  const spawnIt = () => spawnEngine(flags, { GANTRY_TEST: marker }, command);
  let running = true;
  let engine = await spawnIt().catch(async (error: unknown) => {
    await leaveNothing(footprint, messageOf(error));
    throw error;
  });
  const api = createApi(socketPath);
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    running = false;
    const code = await engine.end(signal);
    if (signal === 'SIGTERM' && code !== 0) throw new Error(`engine exited with ${code}: ${engine.stderr()}`);
  };
  return {
    ...createDockerCli(socketPath, path.join(directory, 'docker')),
    directory,
    dataRoot,
    runRoot,
    socketPath,
    subnet,
    api,
    bridge: footprint.bridge,
    cgroupParent: footprint.cgroupParent,
    dockerode: new Dockerode({ socketPath }),
    pid: () => engine.pid,
    log: () => engine.stderr(),
    kill9: () => end('SIGKILL'),
    async restart() {
      if (running) await end('SIGTERM');
      engine = await spawnIt();
      running = true;
    },
    async stop() {
      if (!running) engine = await spawnIt();
      try {
        await removeContainers(api);
      } finally {
        await end('SIGTERM');
      }
      await leaveNothing(footprint, engine.stderr());
    },
  };
}

/** Removes the directory of an engine that ended, or throws when anything of it is left on the machine. */
async function leaveNothing(footprint: EngineFootprint, log: string): Promise<void> {
  const leaks = await settledLeaks(footprint);
  // With mounts left in it, removing the directory could reach through them: it stays to be looked at.
  if (leaks.length > 0) throw new Error(`left behind:\n${leaks.join('\n')}\nlog:\n${log}`);
  rmSync(footprint.directory, { recursive: true });
}

/** A /24 of 10.0.0.0/8 that no route of this machine touches. */
function freeSubnet(): string {
  const routes = execFileSync('ip', ['-4', 'route', 'show', 'table', 'all'], { encoding: 'utf8' });
  for (;;) {
    const prefix = `10.${randomInt(1, 255)}.${randomInt(0, 255)}.`;
    if (!routes.includes(` ${prefix}`) && !routes.includes(`\n${prefix}`)) return `${prefix}0/24`;
  }
}

async function removeContainers(api: Api): Promise<void> {
  const { status, json } = await api<{ Id: string }[]>('GET', '/containers/json?all=1');
  if (status !== 200) return;
  for (const { Id } of json) {
    const removed = await api('DELETE', `/containers/${Id}?force=1&v=1`);
    if (removed.status !== 204 && removed.status !== 404)
      throw new Error(`cannot remove ${Id}: ${removed.text}`);
  }
}

/** The kernel takes down a namespace's links, and the shim its cgroups, a little after the process is gone. */
async function settledLeaks(footprint: EngineFootprint): Promise<string[]> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const leaks = findLeaks(footprint);
    if (leaks.length === 0) return leaks;
    await delay(50);
  }
  return findLeaks(footprint);
}
