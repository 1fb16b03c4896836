import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { startNfsServer, type NfsServer } from './nfs-server.ts';

const [directory, records] = ['served', 'records'].map((what) =>
  mkdtempSync(path.join(os.tmpdir(), `gantry-nfs-${what}-`)),
) as [string, string];

function removeDirectories(): void {
  for (const made of [directory, records]) rmSync(made, { recursive: true });
}

/** undefined where the kernel has no NFS. */
function serve(): NfsServer | undefined {
  try {
    return startNfsServer(directory, records);
  } catch (error) {
    console.warn(`no NFS server in this kernel, volumes on one are not tested: ${String(error)}`);
    // Hooks are not run where every test is skipped.
    removeDirectories();
    return undefined;
  }
}

const server = serve();
afterAll(() => {
  if (!server) return;
  server.stop();
  removeDirectories();
});

describe.skipIf(server === undefined)('a volume of a real NFS server', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine.stop());

  /** A volume of the server's directory `/name`. */
  async function share(name: string, more = ''): Promise<string> {
    mkdirSync(path.join(directory, name));
    const options = ['type=nfs', `o=addr=localhost,vers=4.2${more}`, `device=:/${name}`];
    return engine.dockerOk('volume', 'create', ...options.flatMap((option) => ['--opt', option]), name);
  }
  const shell = (script: string, ...flags: string[]): Promise<string> =>
    engine.dockerOk('run', '--rm', ...flags, 'busybox', 'sh', '-c', script);
  const served = (...names: string[]): string => readFileSync(path.join(directory, ...names), 'utf8');
  /** File system types of what is mounted on the volume's directory. */
  const mountsOf = (name: string): string[] =>
    readFileSync('/proc/self/mounts', 'utf8')
      .split('\n')
      .map((line) => line.split(' '))
      .filter((columns) => columns[1] === path.join(engine.dataRoot, 'volumes', name, '_data'))
      .map((columns) => columns[2] ?? '');

  test('is written by one container and read by another, and unmounted after the last', async () => {
    await share('data');
    expect(mountsOf('data')).toEqual([]);
    const writer = await engine.dockerOk('run', '-d', '-v', 'data:/d', 'busybox', 'sleep', '3000');
    await engine.dockerOk('exec', writer, 'sh', '-c', 'echo written > /d/file; chown 7:8 /d/file');
    expect(await shell('cat /d/file; stat -c %u:%g /d/file', '-v', 'data:/d:ro')).toBe('written\n7:8');
    expect(served('data', 'file')).toBe('written\n');
    expect(mountsOf('data')).toEqual(['nfs4']);
    await engine.dockerOk('rm', '-f', writer);
    expect(mountsOf('data')).toEqual([]);
    expect(await shell('cat /d/file', '-v', 'data:/d')).toBe('written');
    await engine.dockerOk('volume', 'rm', 'data');
    expect(served('data', 'file')).toBe('written\n');
  });

  test('gets what the image has there, and is read-only where the options say so', async () => {
    await share('filled');
    expect(await shell('cat /etc/passwd', '-v', 'filled:/etc')).toBe(served('filled', 'passwd').trim());
    await share('fixed', ',ro');
    expect(await shell('touch /d/x 2>&1 || true', '-v', 'fixed:/d')).toContain('Read-only file system');
  });

  test('stays with its containers when the engine is killed, and is let go by the next one', async () => {
    await share('kept');
    const id = await engine.dockerOk('run', '-d', '-v', 'kept:/d', 'busybox', 'sleep', '3000');
    await engine.kill9();
    await engine.restart();
    await engine.dockerOk('exec', id, 'sh', '-c', 'echo after > /d/file');
    expect(await shell('cat /d/file', '-v', 'kept:/d')).toBe('after');
    expect(mountsOf('kept')).toEqual(['nfs4']);
    await engine.dockerOk('rm', '-f', id);
    expect(mountsOf('kept')).toEqual([]);
  });

  test('whose server does not answer holds up nobody else', async () => {
    const connections = new Set<Socket>();
    const silent = createServer((connection) => connections.add(connection.on('error', () => {})));
    await once(silent.listen(0, '127.0.0.1'), 'listening');
    try {
      await share('silent', `,port=${(silent.address() as AddressInfo).port}`);
      const stuck = engine.docker('run', '--rm', '-v', 'silent:/d', 'busybox', 'true');
      await expect.poll(() => connections.size).toBeGreaterThan(0);
      expect(await shell('echo others')).toBe('others');
      expect(await engine.dockerOk('volume', 'ls', '-q')).toContain('silent');
      silent.close();
      for (const connection of connections) connection.resetAndDestroy();
      expect((await stuck).stderr).toContain('connection refused');
    } finally {
      silent.close();
    }
    expect(mountsOf('silent')).toEqual([]);
  });

  test('that the server does not have is told in the words of Docker', async () => {
    await share('gone');
    rmSync(path.join(directory, 'gone'), { recursive: true });
    const { stderr } = await engine.docker('run', '--rm', '-v', 'gone:/d', 'busybox', 'true');
    expect(stderr).toContain('data: addr=127.0.0.1,vers=4.2: no such file or directory');
    expect(mountsOf('gone')).toEqual([]);
  });
});
