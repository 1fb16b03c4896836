import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildsOf } from './build-api.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { mountLoop } from './loop-filesystem.ts';
import { create, outputOf, shell, start } from './run-container.ts';

/** An engine whose containers have user namespaces: their root is nobody on the host. */
const ACCOUNT = 'gantry-remap';
const FIRST = 700_000;
const TMPFS_MAGIC = 0x01021994;
const files = ['/etc/subuid', '/etc/subgid'] as const;

describe('--userns-remap', () => {
  let engine: TestEngine;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-remap-'));
  // A tmpfs can be idmapped since 6.3 only.
  const disk = statfsSync(directory).type === TMPFS_MAGIC ? mountLoop(directory) : undefined;
  beforeAll(async () => {
    for (const file of files)
      appendFileSync(
        file,
        `${ACCOUNT}:${FIRST}:65536
`,
      );
    const dataRoot = disk && path.join(disk.mountpoint, 'data');
    engine = await startEngine({ flags: ['--userns-remap', ACCOUNT], ...(dataRoot ? { dataRoot } : {}) });
  });
  afterAll(async () => {
    for (const file of files) {
      const lines = readFileSync(file, 'utf8').split('\n');
      writeFileSync(file, lines.filter((line) => !line.startsWith(`${ACCOUNT}:`)).join('\n'));
    }
    await engine.stop();
    disk?.unmount();
    rmSync(directory, { recursive: true });
  });

  test('gives the mounts of build steps to root inside', async () => {
    const dockerfile = `FROM busybox
RUN --mount=type=secret,id=s --mount=type=secret,id=s,uid=5,target=/five cat /run/secrets/s && ls -ln /five
RUN --mount=type=cache,target=/c,mode=0700 touch /c/made && ls -ln /c
RUN --mount=type=bind,target=/ctx cat /ctx/closed && ls -ln /ctx/closed`;
    const { text } = await buildsOf(engine.api).built(dockerfile, {
      files: [{ name: 'closed', content: 'own content', mode: 0o600 }],
      headers: { 'X-Gantry-Build-Secrets': `id=s,value=${Buffer.from('the secret').toString('base64')}` },
    });
    for (const line of [
      /the secret/,
      /-r--------\s+1 5\s+0\s.*\/five/,
      /-rw-r--r--\s+1 0\s+0\s.*made/,
      /own content/,
      /-rw-------\s+1 0\s+0\s.*closed/,
    ])
      expect(text).toMatch(line);
  });

  test('gives root inside the ids of the account, and none of the host', async () => {
    const { id } = await create(engine, shell('sleep 1000'));
    await start(engine, id);
    const { json } = await engine.api<{ State: { Pid: number } }>('GET', `/containers/${id}/json`);
    const status = readFileSync(`/proc/${json.State.Pid}/status`, 'latin1');
    expect(/^Uid:\s+(\d+)/m.exec(status)?.[1]).toBe(String(FIRST));
    expect(await engine.dockerOk('exec', id, 'id', '-u')).toBe('0');
    expect(await engine.dockerOk('exec', id, 'cat', '/proc/self/uid_map')).toMatch(/^\s*0\s+700000\s+65536$/);
    expect(await engine.dockerOk('exec', '-u', '1000:1000', id, 'id', '-u')).toBe('1000');
    await engine.api('DELETE', `/containers/${id}?force=1`);
    const info = await engine.api<{ SecurityOptions: string[] }>('GET', '/info');
    expect(info.json.SecurityOptions).toContain('name=userns');
  });

  test('keeps the files of images, layers and volumes where they are', async () => {
    const script =
      'stat -c %u /bin/sh /etc/hosts /v /dev/null; touch /made /v/made && stat -c %u /made /v/made; chown 5 /made; echo ok > /dev/stdout';
    const request = shell(script, { Binds: ['mapped:/v'], NetworkMode: 'bridge', ShmSize: 1 << 20 });
    const { id } = await create(engine, request);
    await start(engine, id);
    await engine.api('POST', `/containers/${id}/wait`);
    const { text } = await engine.api('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
    expect(text.replaceAll(/[^\w\n]/g, '')).toMatch(/^0\n0\n0\n65534\n0\n0\nok\n$/);
    // On the host's disk it is root's, as with any other container: nothing is copied or chowned.
    const upper = path.join(engine.dataRoot, 'containers', id, 'upper/made');
    expect(statSync(upper).uid).toBe(5);
    expect(statSync(path.join(engine.dataRoot, 'volumes/mapped/_data/made')).uid).toBe(0);
    await engine.api('DELETE', `/containers/${id}?force=1`);
    await engine.api('DELETE', '/volumes/mapped');
  });

  test("leaves files that a volume's options mount to their owners, as those of a bind", async () => {
    const source = path.join(engine.directory, 'source');
    mkdirSync(source);
    const options = { type: 'none', device: source, o: 'bind' };
    await engine.api('POST', '/volumes/create', { Name: 'elsewhere', DriverOpts: options });
    const request = shell('stat -c %u /d; touch /d/x 2>&1', { Binds: ['elsewhere:/d'] });
    expect(await outputOf(engine, request)).toMatch(/^65534\n.*Permission denied/);
  });

  test('lets a terminal, limits and a user be had, and the host not be written', async () => {
    const host = path.join(engine.directory, 'host');
    mkdirSync(host);
    writeFileSync(path.join(host, 'secret'), 'x', { mode: 0o600 });
    const script = 'tty; ulimit -n; id -u; cat /h/secret; touch /h/x; mknod /tmp/k c 1 11; true';
    const output = await engine.docker(
      'run',
      '--rm',
      '-t',
      '-v',
      `${host}:/h`,
      '--ulimit',
      'nofile=99:99',
      '--network',
      'none',
      'busybox',
      'sh',
      '-c',
      script,
    );
    expect(output.stdout.replaceAll('\r', '')).toMatch(/^\/dev\/(console|pts\/0)\n99\n0\n/);
    expect(output.stdout.match(/Permission denied/g)).toHaveLength(2);
    expect(output.stdout).toContain('Operation not permitted');
  });

  test('reaches a running container with docker cp, as its root', async () => {
    const { id } = await create(engine, shell('sleep 1000'));
    await start(engine, id);
    const file = path.join(engine.directory, 'copied');
    writeFileSync(file, 'copied\n');
    await engine.dockerOk('cp', file, `${id}:/copied`);
    expect(await engine.dockerOk('exec', id, 'stat', '-c', '%u', '/copied')).toBe('0');
    await engine.dockerOk('cp', `${id}:/copied`, `${file}.back`);
    expect(readFileSync(`${file}.back`, 'utf8')).toBe('copied\n');
    await engine.api('DELETE', `/containers/${id}?force=1`);
    rmSync(file);
  });

  test('is shared with the namespaces of another container', async () => {
    const { id } = await create(engine, shell('echo x > /dev/shm/x; sleep 1000', { IpcMode: 'shareable' }));
    await start(engine, id);
    const shared = { NetworkMode: `container:${id}`, IpcMode: `container:${id}`, PidMode: `container:${id}` };
    await expect
      .poll(() =>
        outputOf(
          engine,
          shell('cat /dev/shm/x; ls -d /sys/class/net/lo; ps | grep -c "[s]leep 1000"', shared),
        ),
      )
      .toBe('x\n/sys/class/net/lo\n1\n');
    await engine.api('DELETE', `/containers/${id}?force=1`);
  });

  test("does not go with what is the host's, unless the container asks for the host's ids", async () => {
    const refused: [object, string][] = [
      [{ Privileged: true }, 'privileged mode is incompatible with user namespaces'],
      [{ NetworkMode: 'host' }, "cannot share the host's network namespace when user namespaces are enabled"],
      [{ PidMode: 'host' }, 'cannot share the host PID namespace when user namespaces are enabled'],
    ];
    for (const [hostConfig, text] of refused) {
      await expect(create(engine, shell('true', hostConfig))).rejects.toThrow(`400 ${text}`);
    }
    const own = readFileSync('/proc/self/uid_map', 'latin1');
    expect(
      await outputOf(engine, shell('cat /proc/self/uid_map', { UsernsMode: 'host', Privileged: true })),
    ).toBe(own);
  });
});

test('an account without subordinate ids is refused at the start', () => {
  expect(() =>
    execFileSync(
      process.execPath,
      [
        'build/engine/engine.mjs',
        '--userns-remap',
        'nobody-at-all',
        '--data-root',
        '/tmp/gantry-none/data',
        '--run-root',
        '/tmp/gantry-none/run',
      ],
      { stdio: 'pipe' },
    ),
  ).toThrow('no subordinate ids of "nobody-at-all"');
  rmSync('/tmp/gantry-none', { recursive: true, force: true });
});
