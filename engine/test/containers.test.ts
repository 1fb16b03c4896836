import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { isAlive } from './processes.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());
afterEach(async () => {
  const { json } = await engine.api<{ Id: string }[]>('GET', '/containers/json?all=1');
  for (const { Id } of json) await engine.api('DELETE', `/containers/${Id}?force=1&v=1`);
});

const message = (text: string) => ({ message: text });

async function create(body: object, name = ''): Promise<string> {
  const { status, json, text } = await engine.api<{ Id: string }>('POST', `/containers/create?name=${name}`, {
    Image: 'busybox',
    Cmd: ['sleep', '1000'],
    ...body,
  });
  if (status !== 201) throw new Error(text);
  return json.Id;
}

async function run(body: object, name = ''): Promise<string> {
  const id = await create(body, name);
  const { status, text } = await engine.api('POST', `/containers/${id}/start`);
  if (status !== 204) throw new Error(text);
  return id;
}

interface Inspect {
  Id: string;
  State: {
    Status: string;
    ExitCode: number;
    Error: string;
    OOMKilled: boolean;
    Pid: number;
    StartedAt: string;
  };
  RestartCount: number;
  Config: Record<string, unknown>;
  HostConfig: Record<string, unknown>;
  Mounts: { Type: string; Name: string; Destination: string; RW: boolean; Source: string }[];
}

const inspect = async (id: string): Promise<Inspect> =>
  (await engine.api<Inspect>('GET', `/containers/${id}/json`)).json;

const waitFor = async (id: string, condition = ''): Promise<number> =>
  (await engine.api<{ StatusCode: number }>('POST', `/containers/${id}/wait?condition=${condition}`)).json
    .StatusCode;

describe('create refuses', () => {
  test.each([
    [{ Image: 'nope' }, 404, 'No such image: nope:latest'],
    [
      { HostConfig: { Mounts: [{ Type: 'bind', Source: '/no/such/dir', Target: '/x' }] } },
      400,
      'invalid mount config for type "bind": bind source path does not exist: /no/such/dir',
    ],
    [{ HostConfig: { Binds: ['/a:/x', '/b:/x'] } }, 400, 'Duplicate mount point: /x'],
    [
      { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '99999' }] } } },
      400,
      'invalid port specification: "99999"',
    ],
    [{ HostConfig: { PidMode: 'container:nope' } }, 400, 'No such container: nope'],
    [
      { HostConfig: { AutoRemove: true, RestartPolicy: { Name: 'always' } } },
      400,
      "can't create 'AutoRemove' container with restart policy",
    ],
    [
      { WorkingDir: 'relative' },
      400,
      "the working directory 'relative' is invalid, it needs to be an absolute path",
    ],
    [
      { HostConfig: { LogConfig: { Type: 'smoke' } } },
      400,
      "logger: no log driver named 'smoke' is registered",
    ],
  ])('%j', async (body, status, text) => {
    const reply = await engine.api('POST', '/containers/create', {
      Image: 'busybox',
      Cmd: ['true'],
      ...body,
    });
    expect(reply.json).toEqual(message(text));
    expect(reply.status).toBe(status);
    expect(readdirSync(path.join(engine.dataRoot, 'containers'))).toEqual([]);
  });

  test('a bad name, a name in use and a malformed body', async () => {
    expect((await engine.api('POST', '/containers/create?name=a%20b', { Image: 'busybox' })).json).toEqual(
      message('Invalid container name (a b), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed'),
    );
    const id = await create({}, 'taken');
    const conflict = await engine.api('POST', '/containers/create?name=taken', { Image: 'busybox' });
    expect(conflict.status).toBe(409);
    expect(conflict.json).toEqual(
      message(
        `Conflict. The container name "/taken" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
      ),
    );
    const malformed = await engine.api('POST', '/containers/create', '{', {
      'Content-Type': 'application/json',
    });
    expect(malformed.status).toBe(400);
  });
});

describe('the state machine', () => {
  test('answers 304 to what is already so, and 409 to what cannot be', async () => {
    const id = await create({ StopTimeout: 0 });
    const post = async (action: string) => (await engine.api('POST', `/containers/${id}/${action}`)).status;
    expect(await post('stop')).toBe(304);
    expect(await post('kill')).toBe(409);
    expect(await post('pause')).toBe(409);
    expect(await post('start')).toBe(204);
    expect(await post('start')).toBe(304);
    expect(await post('unpause')).toBe(500);
    expect(await post('pause')).toBe(204);
    expect(await post('pause')).toBe(409);
    expect(await post('start')).toBe(409);
    expect((await inspect(id)).State.Status).toBe('paused');
    expect(await post('unpause')).toBe(204);
    expect(await post('restart')).toBe(204);
    expect(await post('stop')).toBe(204);
    expect(await post('stop')).toBe(304);
    expect((await inspect(id)).State).toMatchObject({ Status: 'exited', ExitCode: 137, Pid: 0 });
  });

  test('a container that has just ended is not paused, though nobody knows yet', async () => {
    const id = await run({});
    const { Pid: pid } = (await inspect(id)).State;
    const shim = Number(readFileSync(path.join(engine.runRoot, 'containers', id, 'shim.pid'), 'utf8'));
    process.kill(shim, 'SIGSTOP');
    try {
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => isAlive(pid)).toBe(false);
      expect(await engine.api('POST', `/containers/${id}/pause`)).toMatchObject({
        status: 409,
        json: message(`container ${id} is not running`),
      });
    } finally {
      process.kill(shim, 'SIGCONT');
    }
    await expect.poll(async () => (await inspect(id)).State.Status).toBe('exited');
  });

  test('a paused container can be stopped and killed', async () => {
    const stopped = await run({ StopTimeout: 0 });
    await engine.api('POST', `/containers/${stopped}/pause`);
    expect((await engine.api('POST', `/containers/${stopped}/stop`)).status).toBe(204);
    const killed = await run({});
    await engine.api('POST', `/containers/${killed}/pause`);
    expect((await engine.api('POST', `/containers/${killed}/kill`)).status).toBe(204);
    expect((await inspect(killed)).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
  });

  test('says which container does not run', async () => {
    const id = await create({}, 'idle');
    expect((await engine.api('POST', '/containers/idle/kill')).json).toEqual(
      message(`cannot kill container: idle: container ${id} is not running`),
    );
    expect((await engine.api('POST', '/containers/none/start')).json).toEqual(
      message('No such container: none'),
    );
  });

  test('stop sends the stop signal and kills only what ignores it', async () => {
    const script = 'trap "exit 5" USR1; while true; do sleep 0.05; done';
    const id = await run({ Cmd: ['sh', '-c', script], StopSignal: 'SIGUSR1' });
    await engine.api('POST', `/containers/${id}/stop?t=20`);
    expect((await inspect(id)).State.ExitCode).toBe(5);
  });

  test('wait by condition', async () => {
    const id = await create({ Cmd: ['sh', '-c', 'exit 4'] });
    expect(await waitFor(id)).toBe(0);
    const next = waitFor(id, 'next-exit');
    const removed = waitFor(id, 'removed');
    await engine.api('POST', `/containers/${id}/start`);
    expect(await next).toBe(4);
    await engine.api('DELETE', `/containers/${id}`);
    expect(await removed).toBe(4);
    expect((await engine.api('POST', `/containers/${await create({})}/wait?condition=soon`)).status).toBe(
      400,
    );
  });

  test('a failed start is told, kept and leaves nothing', async () => {
    const id = await create({ Cmd: ['no-such-command'] });
    const reply = await engine.api<{ message: string }>('POST', `/containers/${id}/start`);
    expect(reply.status).toBe(400);
    expect(reply.json.message).toContain('exec: "no-such-command": executable file not found in $PATH');
    expect((await inspect(id)).State).toMatchObject({
      Status: 'created',
      ExitCode: 127,
      Error: reply.json.message,
    });
    expect(existsSync(path.join(engine.runRoot, 'containers', id))).toBe(false);
  });

  test('AutoRemove removes after the exit and after a failed start', async () => {
    const id = await create({ Cmd: ['true'], HostConfig: { AutoRemove: true } });
    const removed = waitFor(id, 'removed');
    await engine.api('POST', `/containers/${id}/start`);
    expect(await removed).toBe(0);
    expect((await engine.api('GET', `/containers/${id}/json`)).status).toBe(404);
    const failing = await create({ Cmd: ['nope'], HostConfig: { AutoRemove: true } });
    await engine.api('POST', `/containers/${failing}/start`);
    expect((await engine.api('GET', `/containers/${failing}/json`)).status).toBe(404);
  });

  test('an AutoRemove container survives a restart request', async () => {
    const id = await run({ HostConfig: { AutoRemove: true } });
    expect((await engine.api('POST', `/containers/${id}/restart?t=0`)).status).toBe(204);
    expect((await inspect(id)).State.Status).toBe('running');
  });

  test('on-failure restarts as often as allowed', async () => {
    const policy = { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } };
    const id = await create({ Cmd: ['false'], HostConfig: policy });
    const firstExit = waitFor(id, 'next-exit');
    await engine.api('POST', `/containers/${id}/start`);
    expect(await firstExit).toBe(1);
    await expect
      .poll(() => inspect(id))
      .toMatchObject({ RestartCount: 2, State: { Status: 'exited', ExitCode: 1 } });
  });

  test('stop ends the restarts of an always policy', async () => {
    const id = await run({ Cmd: ['true'], HostConfig: { RestartPolicy: { Name: 'always' } } });
    await expect.poll(async () => (await inspect(id)).RestartCount).toBeGreaterThan(0);
    await engine.api('POST', `/containers/${id}/stop`);
    expect((await inspect(id)).State.Status).toBe('exited');
  });

  test('out of memory is recorded', async () => {
    const body = { Cmd: ['sh', '-c', 'x=a; while true; do x=$x$x; done'], HostConfig: { Memory: 8 << 20 } };
    const id = await run(body);
    expect(await waitFor(id)).toBe(137);
    expect((await inspect(id)).State.OOMKilled).toBe(true);
  });

  test('rename and remove', async () => {
    const id = await run({}, 'before');
    await create({}, 'other');
    expect((await engine.api('POST', `/containers/before/rename?name=after`)).status).toBe(204);
    expect((await engine.api('POST', `/containers/after/rename?name=other`)).status).toBe(409);
    expect((await engine.api('POST', `/containers/after/rename?name=after`)).status).toBe(400);
    expect((await engine.api('POST', `/containers/after/rename?name=-x`)).json).toEqual(
      message(
        'Error when allocating new name: Invalid container name (/-x), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed',
      ),
    );
    expect((await engine.api('DELETE', `/containers/after?link=1`)).json).toEqual(
      message('Conflict, cannot remove the default link name of the container'),
    );
    expect((await engine.api('DELETE', `/containers/after`)).json).toEqual(
      message(
        'cannot remove container "after": container is running: stop the container before removing or force remove',
      ),
    );
    expect((await engine.api('DELETE', `/containers/after?force=1`)).status).toBe(204);
    expect(existsSync(path.join(engine.dataRoot, 'containers', id))).toBe(false);
    await create({}, 'after');
  });

  test('prune removes what is stopped and matches', async () => {
    const running = await run({});
    await create({ Labels: { keep: '' } }, 'kept');
    const gone = await create({});
    const filters = encodeURIComponent(JSON.stringify({ 'label!': ['keep'] }));
    const { json } = await engine.api<{ ContainersDeleted: string[] }>(
      'POST',
      `/containers/prune?filters=${filters}`,
    );
    expect(json.ContainersDeleted).toEqual([gone]);
    expect((await inspect(running)).State.Status).toBe('running');
    expect((await inspect('kept')).State.Status).toBe('created');
  });
});

describe('identity', () => {
  test('an ambiguous prefix is refused, an unambiguous one works', async () => {
    const ids = new Set<string>();
    // With 17 containers two share their first digit.
    for (let count = 0; count < 17; count += 1) ids.add(await create({}));
    const digits = [...ids].map((id) => id.slice(0, 1));
    const shared = digits.find((digit, index) => digits.indexOf(digit) !== index) as string;
    expect((await engine.api('GET', `/containers/${shared}/json`)).json).toEqual(
      message(`multiple IDs found with provided prefix: ${shared}`),
    );
    const [id = ''] = ids;
    expect((await inspect(id.slice(0, 12))).Id).toBe(id);
  });

  test('list, limits and sizes', async () => {
    const script = 'dd if=/dev/zero of=/file bs=1024 count=100 2>/dev/null; sleep 1000';
    await run({ Cmd: ['sh', '-c', script], Labels: { a: 'b' } }, 'newest');
    const older = await create({}, 'stopped');
    const { json } = await engine.api<{ Names: string[]; State: string; Command: string }[]>(
      'GET',
      '/containers/json',
    );
    expect(json.map(({ Names, State }) => [Names, State])).toEqual([[['/newest'], 'running']]);
    const latest = await engine.api<{ Id: string }[]>('GET', '/containers/json?limit=1');
    expect(latest.json.map(({ Id }) => Id)).toEqual([older]);
    await expect
      .poll(
        async () =>
          (await engine.api<{ SizeRw: number }[]>('GET', '/containers/json?size=1')).json[0]?.SizeRw,
      )
      .toBe(102_400);
    expect((await engine.api('GET', '/containers/json?filters={"colour":["red"]}')).json).toEqual(
      message("invalid filter 'colour'"),
    );
  });
});

describe('the working directory', () => {
  test('is made when the container is, unless the image has it', async () => {
    await engine.dockerOk('create', '--name', 'cwd-made', '-w', '/home/app/../web', 'busybox');
    await engine.dockerOk('create', '--name', 'cwd-there', '-w', '/etc', 'busybox');
    try {
      const diff = await engine.dockerOk('diff', 'cwd-made');
      expect(diff.split('\n')).toContain('A /home/web');
      expect(await engine.dockerOk('diff', 'cwd-there')).toBe('');
      const { headers } = await engine.api('HEAD', '/containers/cwd-made/archive?path=/home/web');
      const stat = Buffer.from(String(headers['x-docker-container-path-stat']), 'base64').toString();
      // Go's mode bits of a directory.
      expect(JSON.parse(stat)).toMatchObject({ name: 'web', mode: 2 ** 31 + 0o755 });
    } finally {
      await engine.dockerOk('rm', 'cwd-made', 'cwd-there');
    }
  });

  test('is there with a read-only root, too', async () => {
    expect(await engine.dockerOk('run', '--rm', '--read-only', '-w', '/no/where', 'busybox', 'pwd')).toBe(
      '/no/where',
    );
  });

  test('that is a file is refused and leaves nothing', async () => {
    const { stderr, code } = await engine.docker('run', '--name', 'cwd-file', '-w', '/etc/group', 'busybox');
    expect(stderr).toContain('Cannot mkdir: /etc/group is not a directory');
    expect(code).toBe(125);
    expect((await engine.api('GET', '/containers/cwd-file/json')).status).toBe(404);
  });
});

describe('mounts', () => {
  test('binds, missing sources, read-only, tmpfs and volumes', async () => {
    const host = path.join(engine.directory, 'made-by-v');
    const file = path.join(engine.directory, 'one-file');
    writeFileSync(file, 'content\n');
    const { stdout, code } = await engine.docker(
      'run',
      '--rm',
      '-v',
      `${host}:/host`,
      '-v',
      `${file}:/file:ro`,
      '--tmpfs',
      '/t:size=4m',
      '-v',
      'named:/named',
      '-v',
      '/anon',
      'busybox',
      'sh',
      '-c',
      'echo x > /host/x; cat /file; touch /file && echo writable; df -m /t | tail -1 | awk "{print \\$2}"; touch /named/n /anon/a && echo ok',
    );
    expect(stdout).toBe('content\n4\nok\n');
    expect(code).toBe(0);
    expect(existsSync(path.join(host, 'x'))).toBe(true);
    expect(await engine.dockerOk('volume', 'ls', '-q')).toBe('named');
    await engine.dockerOk('volume', 'rm', 'named');
  });

  test('a fresh volume gets what the image has, once', async () => {
    const list = ['busybox', 'sh', '-c', 'ls /etc/passwd; rm /etc/passwd'];
    expect((await engine.docker('run', '--rm', '-v', 'etc:/etc', ...list)).stdout).toBe('/etc/passwd\n');
    expect((await engine.docker('run', '--rm', '-v', 'etc:/etc', ...list)).stdout).toBe('');
    await engine.dockerOk('volume', 'rm', 'etc');
  });

  test('VolumesFrom takes over the volumes of another container', async () => {
    await engine.dockerOk(
      'run',
      '--name',
      'origin',
      '-v',
      '/shared',
      'busybox',
      'sh',
      '-c',
      'echo kept > /shared/f',
    );
    expect(
      await engine.dockerOk('run', '--rm', '--volumes-from', 'origin:ro', 'busybox', 'cat', '/shared/f'),
    ).toBe('kept');
    await engine.dockerOk('run', '--name', 'heir', '--volumes-from', 'origin', 'busybox', 'true');
    await engine.dockerOk('rm', 'origin');
    expect(await engine.dockerOk('volume', 'ls', '-q')).not.toBe('');
    // Whoever uses an anonymous volume last removes it.
    await engine.dockerOk('rm', '-v', 'heir');
    expect(await engine.dockerOk('volume', 'ls', '-q')).toBe('');
    const filters = encodeURIComponent('{"dangling":["perhaps"]}');
    expect((await engine.api('GET', `/volumes?filters=${filters}`)).status).toBe(400);
  });

  test('an empty HOME is none', async () => {
    expect(await engine.dockerOk('run', '--rm', '-e', 'HOME=', 'busybox', 'env')).toContain('HOME=/root');
  });

  test('shared memory is called shm, as scripts look for it', async () => {
    const mounts = await engine.dockerOk('run', '--rm', '--shm-size', '1m', 'busybox', 'mount');
    expect(mounts).toMatch(/^shm on \/dev\/shm type tmpfs \(.*size=1024k/m);
  });
});

test('namespaces of another container and of the host are joined', async () => {
  await engine.dockerOk(
    'run',
    '-d',
    '--name',
    'owner',
    '--hostname',
    'shared-name',
    'busybox',
    'sleep',
    '1000',
  );
  const address = await engine.dockerOk('inspect', 'owner', '--format', '{{.NetworkSettings.IPAddress}}');
  const joined = [
    'run',
    '--rm',
    '--network',
    'container:owner',
    '--pid',
    'container:owner',
    'busybox',
    'sh',
    '-c',
  ];
  expect(await engine.dockerOk(...joined, 'ip -4 -o addr show eth0; ps')).toMatch(
    new RegExp(`${address.replaceAll('.', '\\.')}[\\s\\S]*sleep 1000`),
  );
  expect(await engine.dockerOk('run', '--rm', '--network', 'none', 'busybox', 'ls', '/sys/class/net')).toBe(
    'lo',
  );
  expect(
    await engine.dockerOk('run', '--rm', '--network', 'host', 'busybox', 'ls', '/sys/class/net'),
  ).toContain(engine.bridge);
  await engine.dockerOk('stop', '-t', '0', 'owner');
  const late = await engine.docker(...joined, 'true');
  expect(late.stderr).toContain(
    'cannot join network namespace of a non running container: container owner is exited',
  );
  const self = await engine.docker('run', '--name', 'self', '--network', 'container:self', 'busybox', 'true');
  expect(self.stderr).toContain('cannot join own network namespace');
  await engine.dockerOk('rm', 'self');
});

test('events tell the life of a container in order, with its attributes', async () => {
  const since = (Date.now() / 1000).toFixed(3);
  await engine
    .dockerOk('run', '--rm', '--name', 'lived', '--label', 'l=1', 'busybox', 'sh', '-c', 'exit 3')
    .catch(() => undefined);
  const until = (Date.now() / 1000 + 0.001).toFixed(3);
  const filters = encodeURIComponent(JSON.stringify({ container: ['lived'], type: ['container'] }));
  const { text } = await engine.api('GET', `/events?since=${since}&until=${until}&filters=${filters}`);
  const events = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { Action: string; Actor: { Attributes: object } });
  expect(events.map(({ Action }) => Action)).toEqual(['create', 'attach', 'start', 'die', 'destroy']);
  expect(events[3]?.Actor.Attributes).toMatchObject({
    name: 'lived',
    image: 'busybox',
    l: '1',
    exitCode: '3',
  });
});

test('a health check makes the container healthy and then unhealthy', async () => {
  const check = ['--health-cmd', 'test -e /ok', '--health-interval', '100ms', '--health-retries', '2'];
  await engine.dockerOk(
    'run',
    '-d',
    '--name',
    'checked',
    ...check,
    'busybox',
    'sh',
    '-c',
    'touch /ok; sleep 1000',
  );
  const status = () => engine.dockerOk('inspect', 'checked', '--format', '{{.State.Health.Status}}');
  await expect.poll(status).toBe('healthy');
  expect(await engine.dockerOk('ps', '--format', '{{.Status}}', '--filter', 'health=healthy')).toContain(
    '(healthy)',
  );
  await engine.dockerOk('exec', 'checked', 'rm', '/ok');
  await expect.poll(status).toBe('unhealthy');
});

test('a container of another platform than its image has is not found, and one of none is refused', async () => {
  const create = (platform: string, version = '1.41') =>
    engine.api('POST', `/v${version}/containers/create?platform=${platform}`, { Image: 'busybox' });
  expect(await create('linux/s390x')).toMatchObject({
    status: 404,
    json: {
      message:
        'image with reference busybox was found but does not match the specified platform: wanted linux/s390x, actual: linux/amd64',
    },
  });
  expect(await create('plan10')).toMatchObject({
    status: 400,
    json: { message: '"plan10": unknown operating system or architecture: invalid argument' },
  });
  expect((await create('plan10', '1.40')).status).toBe(201);
  expect((await create('linux/x86_64')).status).toBe(201);
});
