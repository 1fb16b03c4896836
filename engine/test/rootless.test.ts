import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { ordinaryUser, whyNotRootless } from './ordinary-user.ts';

const STARTER = path.resolve('build/starter/busybox.tar');

const reason = whyNotRootless();
if (reason !== undefined) console.warn(`the tests of an ordinary user's engine are skipped: ${reason}`);

describe.skipIf(reason !== undefined)('the engine of an ordinary user', () => {
  const user = ordinaryUser();
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ starterImage: false, user });
    await engine.dockerOk('load', '-i', STARTER);
  });
  afterAll(() => engine.stop());

  test('says so', async () => {
    const info = JSON.parse(await engine.dockerOk('info', '--format', '{{json .}}')) as {
      SecurityOptions: string[];
      CgroupDriver: string;
      Warnings: string[];
    };
    expect(info.SecurityOptions).toContain('name=rootless');
    expect(info.CgroupDriver).toBe('none');
    expect(info.Warnings).toContain('WARNING: No memory limit support');
  });

  test('runs a command with exit code, terminal, standard input and several users', async () => {
    const run = ['run', '--rm', 'busybox'];
    expect(await engine.docker(...run, 'echo', 'hello')).toEqual({ code: 0, stdout: 'hello\n', stderr: '' });
    expect((await engine.docker(...run, 'sh', '-c', 'exit 7')).code).toBe(7);
    expect((await engine.dockerWithInput('a b\n', 'run', '--rm', '-i', 'busybox', 'wc', '-w')).stdout).toBe(
      '2\n',
    );
    expect(await engine.dockerOk('run', '--rm', '--user', '1000:1000', 'busybox', 'id', '-u')).toBe('1000');
    const terminal = engine.dockerTerminal('run', '--rm', '-it', 'busybox', 'sh', '-c', 'tty; stty size');
    await terminal.waitFor(/\/dev\/pts\/0\s+24 80/);
    expect((await terminal.exited).code).toBe(0);
  });

  test('makes a working directory that the image lacks, for the root inside', async () => {
    const stat = ['stat', '-c', '%n %u %a', '/made/deep'];
    const run = ['run', '--rm', '--read-only', '-w', '/made/deep', 'busybox', ...stat];
    expect(await engine.docker(...run)).toEqual({ code: 0, stdout: '/made/deep 0 755\n', stderr: '' });
  });

  test('gives its containers no id of the host and no privilege on it', async () => {
    const id = await engine.dockerOk('run', '-d', '--privileged', 'busybox', 'sleep', '300');
    const pid = await engine.dockerOk('inspect', id, '--format', '{{.State.Pid}}');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    expect(status).toMatch(new RegExp(String.raw`^Uid:\t${user.uid}\t${user.uid}\t`, 'm'));
    const made = await engine.docker('exec', id, 'mknod', '/tmp/disk', 'b', '8', '0');
    expect(made.stderr).toContain('Operation not permitted');
    await engine.dockerOk('rm', '-f', id);
  });

  test('deletes, replaces and hides what an image brought', async () => {
    const script =
      'rm /bin/wc && rm -r /etc/passwd && mkdir /etc/passwd && rmdir /etc/passwd && mkdir -p /a/b';
    await engine.dockerOk('run', '--name', 'changed', 'busybox', 'sh', '-c', script);
    const changes = (await engine.dockerOk('diff', 'changed')).split('\n');
    expect(changes).toEqual(expect.arrayContaining(['D /bin/wc', 'A /a', 'A /a/b', 'D /etc/passwd']));
    await engine.dockerOk('rm', 'changed');
  });

  test('mounts directories and memory for volumes, and says that it can do little else', async () => {
    const volume = (name: string, type: string, device: string, o: string): Promise<string> => {
      const options = [`type=${type}`, `device=${device}`, `o=${o}`];
      return engine.dockerOk('volume', 'create', ...options.flatMap((option) => ['--opt', option]), name);
    };
    const run = (name: string, script: string) =>
      engine.docker('run', '--rm', '-v', `${name}:/d`, 'busybox', 'sh', '-c', script);
    await volume('memory', 'tmpfs', 'tmpfs', 'size=1m');
    expect((await run('memory', 'df -m /d | tail -1')).stdout).toMatch(/^tmpfs +1 /);
    await volume('bound', 'none', engine.runRoot, 'bind,ro');
    expect((await run('bound', 'ls /d; touch /d/x')).stderr).toContain('Read-only file system');
    await volume('disk', 'ext4', '/dev/vda', 'ro');
    expect((await run('disk', 'true')).stderr).toContain(
      "operation not permitted: an ordinary user's engine can mount tmpfs and directories, little else",
    );
  });

  test('moves what a container wrote into a volume, and restores and clones one, owners kept', async () => {
    const script = 'mkdir -p /srv/d; echo x > /srv/d/f; chown 5:6 /srv/d/f; mkfifo /srv/d/p';
    const id = await engine.dockerOk('run', '-d', 'busybox', 'sh', '-c', script);
    expect(await engine.dockerOk('wait', id)).toBe('0');
    const body = { path: '/srv/d', volume: 'moved' };
    expect((await engine.api('POST', `/gantry/v1/containers/${id}/move-to-volume`, body)).status).toBe(204);
    const backup = await engine.api('GET', '/gantry/v1/volumes/moved/backup');
    expect(backup.status).toBe(200);
    await engine.dockerOk('volume', 'create', 'back');
    expect((await engine.api('POST', '/gantry/v1/volumes/back/restore', backup.bytes)).status).toBe(200);
    expect((await engine.api('POST', '/gantry/v1/volumes/back/clone?to=copy')).status).toBe(201);
    for (const volume of ['moved', 'back', 'copy']) {
      const look = ['run', '--rm', '-v', `${volume}:/v`, 'busybox', 'stat', '-c', '%u:%g %F', '/v/f', '/v/p'];
      expect(await engine.dockerOk(...look)).toBe('5:6 regular file\n0:0 fifo');
    }
    await engine.dockerOk('rm', id);
  });

  test('keeps a volume, discards limits with a warning, refuses to pause with the reason', async () => {
    await engine.dockerOk('run', '--rm', '-v', 'kept:/data', 'busybox', 'sh', '-c', 'echo kept > /data/file');
    const read = await engine.docker(
      'run',
      '--rm',
      '-m',
      '64m',
      '-v',
      'kept:/data',
      'busybox',
      'cat',
      '/data/file',
    );
    expect(read.stdout).toBe('kept\n');
    expect(read.stderr).toContain('Limitation discarded');
    await engine.dockerOk('run', '-d', '--name', 'restless', 'busybox', 'sleep', '300');
    expect((await engine.docker('pause', 'restless')).stderr).toContain('cannot pause');
    expect(await engine.dockerOk('top', 'restless')).toContain('sleep 300');
    const stats = ['stats', '--no-stream', '--format', '{{.PIDs}} {{.MemUsage}}', 'restless'];
    expect(await engine.dockerOk(...stats)).toMatch(/^1 [1-9]/);
    await engine.dockerOk('rm', '-f', 'restless');
  });

  test('says what it cannot do', async () => {
    const host = await engine.docker('run', '--rm', '--pid', 'host', 'busybox', 'true');
    expect(host.stderr).toContain('pid mode host in rootless mode is not implemented');
    const low = await engine.docker('run', '--rm', '-p', '80:80', 'busybox', 'true');
    expect(low.stderr).toContain('ordinary users may not use ports below 1024');
    const score = ['run', '--rm', '--oom-score-adj', '-500', 'busybox', 'cat', '/proc/self/oom_score_adj'];
    expect(await engine.dockerOk(...score)).not.toBe('-500');
  });

  test('connects containers by name', async () => {
    await engine.dockerOk('network', 'create', 'lan');
    await engine.dockerOk(
      'run',
      '-d',
      '--name',
      'server',
      '--network',
      'lan',
      'busybox',
      'httpd',
      '-f',
      '-h',
      '/bin',
    );
    const fetched = await engine.dockerOk(
      'run',
      '--rm',
      '--network',
      'lan',
      'busybox',
      'ping',
      '-c',
      '1',
      'server',
    );
    expect(fetched).toContain('1 packets received');
    await engine.dockerOk('rm', '-f', 'server');
    await engine.dockerOk('network', 'rm', 'lan');
  });

  test('a published port and its container outlive a killed engine, which finds them again', async () => {
    const serve = 'mkdir /www && echo served > /www/index.html && exec httpd -f -h /www';
    const flags = ['-d', '--name', 'web', '-p', '127.0.0.1::80'];
    await engine.dockerOk('run', ...flags, 'busybox', 'sh', '-c', serve);
    const address = await engine.dockerOk('port', 'web', '80');
    await expect.poll(() => fetchText(address)).toBe('served\n');
    const pid = await engine.dockerOk('inspect', 'web', '--format', '{{.State.Pid}}');

    await engine.kill9();
    expect(await fetchText(address)).toBe('served\n');

    await engine.restart();
    expect(await engine.dockerOk('inspect', 'web', '--format', '{{.State.Pid}}')).toBe(pid);
    expect(await engine.dockerOk('exec', 'web', 'cat', '/www/index.html')).toBe('served');
    expect(await fetchText(address)).toBe('served\n');
    expect((await engine.docker('run', '--rm', '-p', `${address}:80`, 'busybox', 'true')).stderr).toContain(
      'port is already allocated by container web',
    );
    await engine.dockerOk('stop', '-t', '0', 'web');
    await expect(fetchText(address)).rejects.toThrow('ECONNREFUSED');
    await engine.dockerOk('rm', 'web');
  });

  test('a port that the host has in use is refused', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    try {
      const refused = await engine.docker('run', '--rm', '-p', `127.0.0.1:${port}:80`, 'busybox', 'true');
      expect(refused.stderr).toContain('address already in use');
    } finally {
      server.close();
    }
  });
});

function fetchText(address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${address}/`, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve(text));
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('timeout')));
    sent.on('error', reject);
    sent.end();
  });
}
