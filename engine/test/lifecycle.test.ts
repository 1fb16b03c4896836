import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;

beforeAll(async () => {
  engine = await startEngine();
});

afterAll(async () => {
  await engine.stop();
});

interface State {
  Status: string;
  Running: boolean;
  ExitCode: number;
  OOMKilled: boolean;
  Health?: { Status: string; FailingStreak: number; Log: { ExitCode: number; Output: string }[] };
}

const inspect = async (name: string): Promise<{ State: State; RestartCount: number }> =>
  (await engine.api<{ State: State; RestartCount: number }>('GET', `/containers/${name}/json`)).json;
const stateOf = async (name: string): Promise<State> => (await inspect(name)).State;
const statusOf = async (name: string): Promise<string> => (await stateOf(name)).Status;
const restartsOf = async (name: string): Promise<number> => (await inspect(name)).RestartCount;

/** The actions of a container so far, oldest first. */
async function actionsOf(name: string): Promise<string[]> {
  const until = Date.now() / 1000;
  const filters = encodeURIComponent(JSON.stringify({ container: [name], type: ['container'] }));
  const { text } = await engine.api('GET', `/events?since=0&until=${until}&filters=${filters}`);
  const lines = text.split('\n').filter(Boolean);
  return lines.map((line) => (JSON.parse(line) as { Action: string }).Action);
}

describe('restart policies', () => {
  const crashing = (name: string, policy: string): Promise<string> =>
    engine.dockerOk('run', '-d', '--name', name, '--restart', policy, 'busybox', 'false');

  test('on-failure restarts as often as it may, and then the container stays exited', async () => {
    await crashing('thrice', 'on-failure:3');
    await expect.poll(() => statusOf('thrice')).toBe('exited');
    expect(await inspect('thrice')).toMatchObject({ RestartCount: 3, State: { ExitCode: 1 } });
    expect((await actionsOf('thrice')).filter((action) => action === 'die')).toHaveLength(4);
  });

  test('a container in its back-off runs for clients, cannot be started, and stops for good', async () => {
    await crashing('looping', 'always');
    await expect.poll(() => restartsOf('looping')).toBeGreaterThan(2);
    await expect.poll(() => statusOf('looping'), { interval: 10 }).toBe('restarting');
    expect((await stateOf('looping')).Running).toBe(true);
    expect((await engine.api('POST', '/containers/looping/start')).status).toBe(304);
    expect((await engine.api('POST', '/containers/looping/stop?t=0')).status).toBe(204);
    expect(await statusOf('looping')).toBe('exited');
    expect((await engine.api('POST', '/containers/looping/start')).status).toBe(204);
    expect(await restartsOf('looping')).toBeLessThan(3);
    await engine.dockerOk('rm', '-f', 'looping');
  });

  test('a stop, and a kill by any signal while there is no StopSignal, end an `always` container', async () => {
    const wait = 'trap "exit 3" USR1; while :; do sleep 0.02; done';
    for (const name of ['unsignalled', 'signalled']) {
      const signal = name === 'signalled' ? ['--stop-signal', 'INT'] : [];
      const command = ['busybox', 'sh', '-c', wait];
      await engine.dockerOk('run', '-d', '--name', name, '--restart', 'always', ...signal, ...command);
      await expect.poll(async () => (await engine.docker('top', name)).code).toBe(0);
      await engine.dockerOk('exec', name, 'sh', '-c', 'kill -0 1');
      await engine.dockerOk('kill', '-s', 'USR1', name);
    }
    await expect.poll(() => statusOf('unsignalled')).toBe('exited');
    await expect.poll(() => restartsOf('signalled')).toBe(1);
    await engine.dockerOk('stop', '-t', '0', 'signalled');
    expect(await statusOf('signalled')).toBe('exited');
    await engine.dockerOk('rm', 'unsignalled', 'signalled');
  });

  test('what an engine starts when it starts: each policy, stopped by the user and not', async () => {
    const policies = ['no', 'on-failure', 'unless-stopped', 'always'];
    const names = policies.flatMap((policy) => [`${policy}-lives`, `${policy}-crashed`, `${policy}-stopped`]);
    const command = ['busybox', 'sleep', '1000'];
    await Promise.all(
      names.map((name) => {
        const policy = name.slice(0, name.lastIndexOf('-'));
        return engine.dockerOk('run', '-d', '--name', name, '--restart', policy, ...command);
      }),
    );
    await engine.dockerOk('create', '--name', 'never-ran', '--restart', 'always', ...command);
    await engine.dockerOk('stop', '-t', '0', ...names.filter((name) => name.endsWith('stopped')));
    const pids = await Promise.all(
      names
        .filter((name) => name.endsWith('crashed'))
        .map((name) => engine.dockerOk('inspect', name, '--format', '{{.State.Pid}}')),
    );
    await engine.kill9();
    for (const pid of pids) process.kill(Number(pid), 'SIGKILL');
    await engine.restart();
    const running = async (): Promise<string[]> => {
      const out = await engine.dockerOk('ps', '--format', '{{.Names}}');
      return out.split('\n').toSorted();
    };
    await expect.poll(running).toEqual(
      [
        'no-lives',
        'on-failure-lives',
        'on-failure-crashed',
        // A stop is exit code 137, a failure, and Docker asks no more here.
        'on-failure-stopped',
        'unless-stopped-lives',
        'unless-stopped-crashed',
        'always-lives',
        'always-crashed',
        'always-stopped',
      ].toSorted(),
    );
    expect(await statusOf('never-ran')).toBe('created');
    expect(await restartsOf('always-crashed')).toBe(0);
    await engine.dockerOk('rm', '-f', ...names, 'never-ran');
  });
});

describe('health checks', () => {
  const checked = (name: string, check: string, ...flags: string[]): Promise<string> => {
    const checks = ['--health-cmd', check, '--health-interval', '50ms', ...flags];
    return engine.dockerOk('run', '-d', '--name', name, ...checks, 'busybox', 'sleep', '1000');
  };
  const healthOf = async (name: string): Promise<string | undefined> => (await stateOf(name)).Health?.Status;

  test('turn healthy and unhealthy with the probe, and the events say so', async () => {
    await checked(
      'patient',
      'cat /tmp/well',
      '--health-retries',
      '2',
      '--health-start-period',
      '20s',
      '--health-start-interval',
      '50ms',
    );
    expect(await healthOf('patient')).toBe('starting');
    await engine.dockerOk('exec', 'patient', 'touch', '/tmp/well');
    await expect.poll(() => healthOf('patient')).toBe('healthy');
    expect(await engine.dockerOk('ps', '--filter', 'health=healthy', '--format', '{{.Status}}')).toContain(
      '(healthy)',
    );
    await engine.dockerOk('exec', 'patient', 'rm', '/tmp/well');
    await expect.poll(() => healthOf('patient')).toBe('unhealthy');
    const { Health } = await stateOf('patient');
    expect(Health?.FailingStreak).toBeGreaterThanOrEqual(2);
    expect(Health?.Log.length).toBeLessThanOrEqual(5);
    expect(Health?.Log.at(-1)).toMatchObject({
      ExitCode: 1,
      Output: "cat: can't open '/tmp/well': No such file or directory\n",
    });
    const actions = await actionsOf('patient');
    expect(actions.filter((action) => action.startsWith('health_status'))).toEqual([
      'health_status: healthy',
      'health_status: unhealthy',
    ]);
    expect(actions).toContain('exec_create: /bin/sh -c cat /tmp/well');
  });

  test('keep 4096 bytes of output, and a probe that takes too long is killed', async () => {
    await checked('talker', 'yes | head -c 5000');
    await expect.poll(() => healthOf('talker')).toBe('healthy');
    expect((await stateOf('talker')).Health?.Log[0]?.Output).toHaveLength(4096 + '...'.length);
    await checked('slow', 'echo so far; sleep 500', '--health-timeout', '100ms', '--health-retries', '1');
    await expect.poll(() => healthOf('slow')).toBe('unhealthy');
    expect((await stateOf('slow')).Health?.Log[0]).toMatchObject({
      ExitCode: -1,
      Output: 'Health check exceeded timeout (100ms): so far\n',
    });
    await engine.dockerOk('rm', '-f', 'talker', 'slow');
  });

  test('outlive the engine; paused and stopped count as unhealthy', async () => {
    await checked('steady', 'cat /proc/uptime');
    await expect.poll(() => healthOf('steady')).toBe('healthy');
    await engine.kill9();
    await engine.restart();
    const known = await stateOf('steady');
    expect(known.Health?.Status).toBe('healthy');
    const last = known.Health?.Log.at(-1)?.Output;
    await expect.poll(async () => (await stateOf('steady')).Health?.Log.at(-1)?.Output).not.toBe(last);
    await engine.dockerOk('pause', 'steady');
    expect(await healthOf('steady')).toBe('unhealthy');
    await engine.dockerOk('unpause', 'steady');
    await expect.poll(() => healthOf('steady')).toBe('healthy');
    await engine.dockerOk('stop', '-t', '0', 'steady');
    expect(await healthOf('steady')).toBe('unhealthy');
    await engine.restart();
    expect(await healthOf('steady')).toBe('unhealthy');
    await engine.dockerOk('start', 'steady');
    expect(await healthOf('steady')).not.toBe('unhealthy');
  });

  test('NONE switches the check of the image off', async () => {
    await engine.dockerOk('run', '-d', '--name', 'unchecked', '--no-healthcheck', 'busybox', 'sleep', '9');
    expect((await stateOf('unchecked')).Health).toBeUndefined();
  });
});

describe('words that clients match on', () => {
  const message = async (method: string, target: string, body?: object): Promise<string> => {
    const { status, json } = await engine.api<{ message: string }>(method, target, body);
    return `${status} ${json.message}`;
  };

  test('kill, start and restart', async () => {
    await engine.dockerOk('create', '--name', 'idle', 'busybox', 'nothing-like-it');
    expect(await message('POST', '/containers/idle/kill')).toMatch(
      /^409 cannot kill container: idle: container [0-9a-f]{64} is not running$/,
    );
    expect(await message('POST', '/containers/idle/kill?signal=FOO')).toBe(
      '400 cannot kill container: idle: invalid signal: FOO',
    );
    expect(await message('POST', '/containers/nobody/kill')).toBe(
      '404 cannot kill container: nobody: No such container: nobody',
    );
    expect(await message('POST', '/containers/idle/start', { Binds: ['/tmp:/tmp'] })).toBe(
      '400 starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
    );
    expect(await message('POST', '/containers/idle/restart')).toMatch(
      /^500 Cannot restart container idle: .*executable file not found in \$PATH/,
    );
    expect(await message('POST', '/containers/idle/unpause')).toMatch(/^500 Container .* is not paused$/);
    // A start that fails is no end of a run.
    expect(await actionsOf('idle')).not.toContain('die');
  });

  test('exec: names in any case, and sessions of a container that stopped or is gone', async () => {
    await engine.dockerOk('run', '-d', '--name', 'host', 'busybox', 'sleep', '1000');
    const create = async (body: object): Promise<string> =>
      (await engine.api<{ Id: string }>('POST', '/containers/host/exec', body)).json.Id;
    expect(await message('POST', '/containers/nobody/exec', {})).toBe('400 No exec command specified');
    expect(await message('POST', '/containers/host/exec', { cmd: ['ls'], detachkeys: 'nonsense' })).toBe(
      '400 Invalid escape keys (nonsense) provided',
    );
    const id = await create({ Cmd: ['true'], detachKeys: 'ctrl-p' });
    const shown = await engine.api<object>('GET', `/exec/${id}/json`);
    expect(shown.json).toMatchObject({ Running: false, ExitCode: null, DetachKeys: 'EA==' });
    expect((await engine.api('POST', `/exec/${id}/start`, { Detach: true })).status).toBe(200);
    await expect
      .poll(() => message('POST', `/exec/${id}/start`, { Detach: true }))
      .toBe(`409 exec command ${id} has already run`);
    await engine.dockerOk('stop', '-t', '0', 'host');
    const { Id } = (await engine.api<{ Id: string }>('GET', '/containers/host/json')).json;
    expect(await message('POST', `/exec/${id}/start`, {})).toBe(`409 container ${Id} is not running`);
    expect((await engine.api('GET', `/exec/${id}/json`)).status).toBe(200);
    await engine.dockerOk('rm', 'host');
    expect(await message('POST', `/exec/${id}/start`, {})).toBe(`404 No such container: ${id}`);
    expect(await message('GET', `/exec/${id}/json`)).toBe(`404 No such exec instance: ${id}`);
  });
});

describe('running out of memory', () => {
  test('of a process that is not PID 1 is told while the container lives', async () => {
    const limits = ['--memory', '16m', '--memory-swap', '16m'];
    await engine.dockerOk('run', '-d', '--name', 'tight', ...limits, 'busybox', 'sleep', '1000');
    const hog = await engine.docker('exec', 'tight', 'sh', '-c', 'head -c 64m /dev/zero | tail; exit 0');
    expect(hog.code).toBe(0);
    await expect.poll(async () => (await stateOf('tight')).OOMKilled).toBe(true);
    expect(await statusOf('tight')).toBe('running');
    expect((await actionsOf('tight')).filter((action) => action === 'oom').length).toBeGreaterThan(0);
  });

  test('of PID 1 is told once, before the container dies', async () => {
    const limits = ['--memory', '16m', '--memory-swap', '16m'];
    await engine.docker('run', '--name', 'hog', ...limits, 'busybox', 'tail', '/dev/zero');
    expect(await stateOf('hog')).toMatchObject({ ExitCode: 137, OOMKilled: true });
    expect((await actionsOf('hog')).slice(-2)).toEqual(['oom', 'die']);
  });
});

describe('the moment that an exit is told', () => {
  test('the container can be started again, and removed without a trace', async () => {
    await engine.dockerOk('create', '--name', 'again', 'busybox', 'true');
    const { Id } = (await engine.api<{ Id: string }>('GET', '/containers/again/json')).json;
    for (let run = 0; run < 5; run += 1) {
      expect((await engine.api('POST', '/containers/again/start')).status).toBe(204);
      await engine.api('POST', '/containers/again/wait');
    }
    expect((await engine.api('DELETE', '/containers/again')).status).toBe(204);
    expect(existsSync(path.join(engine.runRoot, 'containers', Id))).toBe(false);
    expect(existsSync(path.join(engine.dataRoot, 'containers', Id))).toBe(false);
    expect(engine.log()).not.toContain('record not written');
  });
});

describe('links', () => {
  const namesOf = async (id: string): Promise<string[]> => {
    const { json } = await engine.api<{ Id: string; Names: string[] }[]>('GET', '/containers/json?all=1');
    return json.find(({ Id }) => Id === id)?.Names ?? [];
  };
  const linksOf = async (name: string): Promise<string[] | null> =>
    (await engine.api<{ HostConfig: { Links: string[] | null } }>('GET', `/containers/${name}/json`)).json
      .HostConfig.Links;

  test('are names of the container behind them, follow its renames, and are removed alone', async () => {
    const child = await engine.dockerOk('run', '-d', '--name', 'child', 'busybox', 'sleep', '1000');
    await engine.dockerOk('create', '--name', 'owner', '--link', 'child:db', 'busybox', 'true');
    expect(await namesOf(child)).toEqual(['/child', '/owner/db']);
    expect((await engine.api<{ Id: string }>('GET', '/containers/owner/db/json')).json.Id).toBe(child);
    await engine.dockerOk('rename', 'child', 'renamed');
    await engine.dockerOk('rename', 'owner', 'holder');
    expect(await linksOf('holder')).toEqual(['/renamed:/holder/db']);
    expect((await engine.docker('rm', '--link', 'holder')).stderr).toContain(
      'Conflict, cannot remove the default link name of the container',
    );
    await engine.dockerOk('rm', '--link', 'holder/db');
    expect(await namesOf(child)).toEqual(['/renamed']);
    expect(await linksOf('holder')).toBeNull();
    expect((await engine.api('GET', '/containers/holder/db/json')).status).toBe(404);
    await engine.dockerOk('rm', '-f', 'holder', 'renamed');
  });

  test('are in the environment of an exec, too', async () => {
    await engine.dockerOk('run', '-d', '--name', 'base', 'busybox', 'sleep', '1000');
    await engine.dockerOk('run', '-d', '--name', 'user', '--link', 'base:db', 'busybox', 'sleep', '1000');
    expect(await engine.dockerOk('exec', 'user', 'sh', '-c', 'echo $DB_NAME')).toBe('/user/db');
    await engine.dockerOk('rm', '-f', 'user', 'base');
  });

  test('lead to the container whose network the linked one shares', async () => {
    await engine.dockerOk('run', '-d', '--name', 'base', 'busybox', 'sleep', '1000');
    await engine.dockerOk(
      'run',
      '-d',
      '--name',
      'guest',
      '--net',
      'container:base',
      'busybox',
      'sleep',
      '1000',
    );
    await engine.dockerOk('run', '-d', '--name', 'user', '--link', 'guest:db', 'busybox', 'sleep', '1000');
    expect(await linksOf('user')).toEqual(['/base:/user/db']);
    expect(await engine.dockerOk('exec', 'user', 'grep', '-cw', 'db', '/etc/hosts')).toBe('1');
    await engine.dockerOk('rm', '-f', 'user', 'guest', 'base');
  });

  test('end with the container behind them', async () => {
    await engine.dockerOk('create', '--name', 'brief', 'busybox');
    await engine.dockerOk('create', '--name', 'lasting', '--link', 'brief', 'busybox', 'true');
    await engine.dockerOk('rm', 'brief');
    expect(await linksOf('lasting')).toBeNull();
    await engine.dockerOk('start', '-a', 'lasting');
    await engine.dockerOk('rm', 'lasting');
  });
});

test('prune takes one until filter, and leaves what runs', async () => {
  const filters = encodeURIComponent('{"until":["1h","2h"]}');
  expect((await engine.api('POST', `/containers/prune?filters=${filters}`)).json).toEqual({
    message: 'more than one until filter specified',
  });
});

test('image inspect has what docker-compose 1 reads of it when it replaces a container', async () => {
  const { json } = await engine.api<{ ContainerConfig: { Volumes: null } }>('GET', '/images/busybox/json');
  expect(json.ContainerConfig.Volumes).toBeNull();
});
