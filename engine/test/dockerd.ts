import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDockerCli } from './docker-cli.ts';
import type { DockerCli } from './docker-cli.ts';
import type { TestNetwork } from './docker-registry.ts';

interface PrivateDockerd extends DockerCli {
  stop(): Promise<void>;
}

interface DockerdOptions {
  network: TestNetwork;
  directory: string;
  flags: string[];
}

/** Docker's own engine in directories and a network of its own, to compare with. It cannot run containers. */
export async function startDockerd({ network, directory, flags }: DockerdOptions): Promise<PrivateDockerd> {
  const file = (name: string): string => path.join(directory, name);
  mkdirSync(file('config'), { recursive: true });
  const socket = file('docker.sock');
  const places = ['--data-root', file('data'), '--exec-root', file('exec'), '--pidfile', file('pid')];
  const quiet = ['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--storage-driver', 'vfs'];
  const [command = '', ...before] = network.within;
  const child = spawn(
    command,
    [...before, 'dockerd', ...places, ...quiet, '-H', `unix://${socket}`, ...flags],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close');
  const cli = createDockerCli(socket, file('config'));
  for (let attempt = 0; !existsSync(socket) || (await cli.docker('version')).code !== 0; attempt += 1) {
    if (attempt === 200 || child.exitCode !== null)
      throw new Error(`dockerd does not answer: ${log.slice(-2000)}`);
    await delay(100);
  }
  return {
    ...cli,
    async stop() {
      child.kill();
      await ended;
    },
  };
}
