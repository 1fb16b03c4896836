// Starts the engine under test and the peers that this machine has, each with data, socket and bridge of its own.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from './engine-api.mjs';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

export function makeScratch() {
  return mkdtempSync(path.join(os.tmpdir(), 'gantry-bench-'));
}

export async function startGantry(scratch) {
  const home = path.join(scratch, 'gantry');
  mkdirSync(home);
  const socket = path.join(home, 'gantry.sock');
  const args = [
    path.join(root, 'build/engine/engine.mjs'),
    '--data-root',
    path.join(home, 'data'),
    '--run-root',
    path.join(home, 'run'),
    '--socket',
    socket,
    '--bridge',
    'gantrybench0',
    '--default-subnet',
    '10.219.0.0/24',
    '--log-level',
    'error',
  ];
  return startDaemon('gantry', process.execPath, args, socket, home);
}

/** undefined where the machine has no dockerd. In namespaces of its own, so that its rules and mounts go with it. */
export async function startDockerd(scratch) {
  const binary = ['/usr/sbin/dockerd', '/usr/bin/dockerd'].find((file) => existsSync(file));
  if (binary === undefined) return undefined;
  const home = path.join(scratch, 'dockerd');
  mkdirSync(home);
  const socket = path.join(home, 'docker.sock');
  const config = path.join(home, 'daemon.json');
  writeFileSync(config, '{}');
  const args = [
    '--data-root',
    path.join(home, 'data'),
    '--exec-root',
    path.join(home, 'exec'),
    '--pidfile',
    path.join(home, 'pid'),
    '--host',
    `unix://${socket}`,
    '--config-file',
    config,
  ];
  const inside = [
    '--net',
    '--mount',
    '--',
    'sh',
    '-c',
    'ip link set lo up; exec "$@"',
    'sh',
    binary,
    ...args,
  ];
  return startDaemon('dockerd', 'unshare', inside, socket, home);
}

async function startDaemon(name, command, args, socket, home) {
  const client = createClient(socket);
  const launch = async () => {
    const child = spawn(command, args, { stdio: 'ignore' });
    const exited = new Promise((resolve) => child.on('exit', resolve));
    await waitForPing(name, client, child);
    return { child, exited };
  };
  let running = await launch();
  const end = async () => {
    client.close();
    running.child.kill('SIGTERM');
    await running.exited;
  };
  const { Version: version } = await client.request('GET', '/version');
  const engine = { name, version, socket, client, home, pid: running.child.pid };
  return Object.assign(engine, {
    /** Resolves when it answers again. */
    async restart() {
      await end();
      running = await launch();
      engine.pid = running.child.pid;
    },
    async stop() {
      await end();
      rmSync(home, { recursive: true, force: true });
    },
  });
}

async function waitForPing(name, client, child) {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`);
    try {
      await client.request('GET', '/_ping');
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(`${name} does not answer`);
}
