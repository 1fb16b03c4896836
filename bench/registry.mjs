// A registry on loopback for the benches of images: Debian's docker-registry on a directory that outlives it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const PORT = 5990;
export const REGISTRY = `127.0.0.1:${PORT}`;

/** Whether this machine can push and pull at all. */
export const hasRegistry = () => existsSync('/usr/bin/docker-registry') && existsSync('/usr/bin/skopeo');

/** The content of a registry that has `shape` as `source/<shape>:1`, compressed by skopeo; the same for everybody. */
export async function makeRegistryContent(scratch, shape) {
  const directory = mkdtempSync(path.join(scratch, 'gantry-bench-registry-'));
  const registry = await startRegistry(directory, process.pid);
  try {
    const target = `docker://${REGISTRY}/source/${shape.name}:1`;
    const source = `docker-archive:${shape.file}`;
    execFileSync('skopeo', ['copy', '-q', '--format', 'v2s2', '--dest-tls-verify=false', source, target], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  } finally {
    await registry.stop();
  }
  return { directory, remove: () => rmSync(directory, { recursive: true }) };
}

/** In the network namespace of `pid`: a peer may have one of its own. */
export async function startRegistry(directory, pid) {
  const config = path.join(directory, 'config.yml');
  mkdirSync(directory, { recursive: true });
  const storage = { filesystem: { rootdirectory: path.join(directory, 'storage') } };
  const log = { level: 'error', accesslog: { disabled: true } };
  writeFileSync(config, JSON.stringify({ version: '0.1', log, storage, http: { addr: REGISTRY } }));
  const child = spawn('nsenter', ['-t', String(pid), '-n', 'docker-registry', 'serve', config], {
    stdio: 'ignore',
  });
  const ended = once(child, 'exit');
  const listening = PORT.toString(16).toUpperCase().padStart(4, '0');
  const sockets = () =>
    execFileSync('nsenter', ['-t', String(pid), '-n', 'cat', '/proc/net/tcp'], { encoding: 'utf8' });
  while (!sockets().includes(`:${listening} 00000000:0000 0A`)) {
    if (child.exitCode !== null) throw new Error('docker-registry ended before it listened');
    await delay(50);
  }
  return {
    async stop() {
      child.kill();
      await ended;
    },
  };
}
