import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { framesOf } from './frames.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { gelfMessages, receiveStream, receiveUdp, unpackAll, type Receiver } from './log-receivers.ts';

let engine: TestEngine;
const receivers: Receiver[] = [];
beforeAll(async () => {
  engine = await startEngine();
});
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.close();
});
afterAll(() => engine.stop());

const listening = <T extends Receiver>(receiver: T): T => {
  receivers.push(receiver);
  return receiver;
};
const option = (name: string, value: string | number): string[] => ['--log-opt', `${name}=${value}`];

interface Sink {
  /** Flags of `docker run`. */
  flags: string[];
  /** What a receiver got, `stream text`; undefined: there is none. */
  seen?: () => string[];
}

const syslogLines = (receiver: Receiver): string[] =>
  receiver.messages().flatMap((bytes) =>
    bytes
      .toString('latin1')
      .split('\n')
      .flatMap((line) => {
        const [, priority, text] = /^<(\d+)>.*?\]: (.*)$/.exec(line) ?? [];
        return priority === undefined ? [] : [`${Number(priority) % 8 === 3 ? 'err' : 'out'} ${text}`];
      }),
  );

const SINKS: Record<string, () => Promise<Sink>> = {
  'json-file': async () => ({ flags: ['--log-driver', 'json-file'] }),
  local: async () => ({ flags: ['--log-driver', 'local'] }),
  syslog: async () => {
    const receiver = listening(await receiveStream(0));
    const address = option('syslog-address', `tcp://127.0.0.1:${receiver.port}`);
    return { flags: ['--log-driver', 'syslog', ...address], seen: () => syslogLines(receiver) };
  },
  fluentd: async () => {
    const receiver = listening(await receiveStream(0));
    const seen = () =>
      receiver
        .messages()
        .flatMap(unpackAll)
        .map((message) => (message as [string, number, { source: string; log: string }])[2])
        .map(({ source, log }) => `${source.slice(3)} ${log}`);
    return {
      flags: ['--log-driver', 'fluentd', ...option('fluentd-address', `127.0.0.1:${receiver.port}`)],
      seen,
    };
  },
  gelf: async () => {
    const receiver = listening(await receiveUdp());
    const seen = () =>
      gelfMessages(receiver.messages()).map(
        ({ level, short_message: text }) => `${level === 3 ? 'err' : 'out'} ${String(text)}`,
      );
    return {
      flags: ['--log-driver', 'gelf', ...option('gelf-address', `udp://127.0.0.1:${receiver.port}`)],
      seen,
    };
  },
};

describe.each(Object.entries(SINKS))('%s', (_name, makeSink) => {
  const frames = async (name: string, parameters = '') =>
    framesOf((await engine.api('GET', `/containers/${name}/logs?stdout=1&stderr=1${parameters}`)).bytes);

  test('shows what was written, as docker logs does, and delivers it', async () => {
    const { flags, seen } = await makeSink();
    const long = `head -c 20000 /dev/zero | tr '\\0' x; echo`;
    const script = `echo one; sleep 0.05; echo two >&2; sleep 0.05; ${long}; printf end`;
    const id = await engine.dockerOk('run', '-d', ...flags, 'busybox', 'sh', '-c', script);
    await engine.dockerOk('wait', id);
    const expected = [
      { stream: 1, text: 'one\n' },
      { stream: 2, text: 'two\n' },
      { stream: 1, text: 'x'.repeat(16_384) },
      { stream: 1, text: `${'x'.repeat(20_000 - 16_384)}\n` },
      { stream: 1, text: 'end' },
    ];
    expect(await frames(id)).toEqual(expected);
    expect(await frames(id, '&tail=2')).toEqual(expected.slice(-2));
    const stamped = (await frames(id, '&timestamps=1')).map(({ text }) => text.split(' ')[0] ?? '');
    expect(stamped.every((time) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/.test(time))).toBe(true);
    expect([...stamped].sort()).toEqual(stamped);
    expect(await frames(id, `&since=${stamped[1]}`)).toEqual(expected.slice(1));
    expect(await frames(id, `&until=${stamped[1]}`)).toEqual(expected.slice(0, 2));
    const sent = expected.map(({ stream, text }) => `${stream === 2 ? 'err' : 'out'} ${text.trimEnd()}`);
    if (seen) await expect.poll(seen).toEqual(sent);
    await engine.dockerOk('rm', id);
  });

  test('follows over rotations, of what runs and with attributes', async () => {
    const { flags, seen } = await makeSink();
    const prefix = seen ? 'cache-' : '';
    const rotation = [...option(`${prefix}max-size`, '40k'), ...option(`${prefix}max-file`, 50)];
    const details = [...option(`labels`, 'team'), ...option('tag', '{{.Name}}')];
    const script = `for part in 1 2 3 4; do while [ ! -e /$part ]; do sleep 0.02; done
      i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo "line $(((part - 1) * 3000 + i))"; done; done`;
    const args = [
      ...flags,
      ...rotation,
      ...(seen ? [] : option('compress', 'true')),
      ...details,
      '--label',
      'team=sea',
    ];
    const id = await engine.dockerOk('run', '-d', ...args, 'busybox', 'sh', '-c', script);
    const follower = engine.dockerStart('logs', '-f', id);
    const named = (pattern: RegExp): string[] =>
      readdirSync(path.join(engine.dataRoot, 'containers', id)).filter((name) => pattern.test(name));
    for (const part of [1, 2, 3, 4]) {
      await engine.dockerOk('exec', id, 'touch', `/${part}`);
      // Compressing goes on behind what is written, holds the next rotation back, and ends with the container.
      if (!seen && part < 4) await expect.poll(() => named(/\.\d+\.gz$/).length).toBeGreaterThanOrEqual(part);
    }
    const lines = Array.from({ length: 12_000 }, (_, index) => `line ${index + 1}`);
    expect((await follower.exited).stdout.trim().split('\n')).toEqual(lines);
    expect((await engine.dockerOk('logs', id)).split('\n')).toEqual(lines);
    expect((await engine.dockerOk('logs', '-n', '10000', id)).split('\n')).toEqual(lines.slice(-10_000));
    const [detailed] = await frames(id, '&details=1&tail=1');
    expect(detailed?.text).toMatch(/^tag=\w+,team=sea line 12000\n$/);
    await expect.poll(() => named(/\.tmp$/)).toEqual([]);
    // UDP may lose some of so many at once.
    if (seen && !flags.includes('gelf')) await expect.poll(() => seen().length).toBe(12_000);
    await engine.dockerOk('rm', id);
  });
});

test('a driver or option that is wrong is refused, and nothing is made', async () => {
  const before = await engine.dockerOk('ps', '-aq');
  const create = async (Type: string, Config = {}) => {
    const body = { Image: 'busybox', HostConfig: { LogConfig: { Type, Config } } };
    const { status, json } = await engine.api<{ message: string }>('POST', '/containers/create', body);
    return [status, json.message];
  };
  expect(await create('smoke')).toEqual([400, "logger: no log driver named 'smoke' is registered"]);
  expect(await create('syslog', { colour: 'red' })).toEqual([
    400,
    "unknown log opt 'colour' for syslog log driver",
  ]);
  expect(await create('gelf')).toEqual([400, 'gelf-address is a required parameter']);
  const { json } = await engine.api<{ Plugins: { Log: string[] }; LoggingDriver: string }>('GET', '/info');
  expect(json.Plugins.Log).toEqual(['fluentd', 'gelf', 'journald', 'json-file', 'local', 'syslog']);
  expect(json.LoggingDriver).toBe('json-file');
  expect(await engine.dockerOk('ps', '-aq')).toBe(before);
});

test('an engine has defaults for containers that say nothing, and refuses those that make no sense', async () => {
  const other = await startEngine({ flags: ['--log-driver', 'local', '--log-opt', 'max-size=1m'] });
  try {
    const id = await other.dockerOk('create', '--log-opt', 'max-file=2', 'busybox');
    const { HostConfig, LogPath } = (
      await other.api<{ HostConfig: { LogConfig: object }; LogPath: string }>('GET', `/containers/${id}/json`)
    ).json;
    expect(HostConfig.LogConfig).toEqual({ Type: 'local', Config: { 'max-size': '1m', 'max-file': '2' } });
    expect(LogPath).toBe('');
    expect((await other.api<{ LoggingDriver: string }>('GET', '/info')).json.LoggingDriver).toBe('local');
  } finally {
    await other.stop();
  }
  await expect(startEngine({ flags: ['--log-opt', 'colour=red'] })).rejects.toThrow(
    "unknown log opt 'colour' for json-file log driver",
  );
});

test('a container that is started again goes on where its log ended', async () => {
  const { flags, seen } = await (SINKS['syslog'] as () => Promise<Sink>)();
  const id = await engine.dockerOk(
    'run',
    '-d',
    ...flags,
    'busybox',
    'sh',
    '-c',
    'cat /proc/sys/kernel/random/uuid; echo end',
  );
  for (let run = 2; run <= 4; run += 1) {
    await engine.dockerOk('wait', id);
    await engine.dockerOk('start', id);
  }
  await engine.dockerOk('wait', id);
  await expect.poll(() => seen?.().length).toBe(8);
  const kept = (await engine.dockerOk('logs', id)).split('\n').map((line) => `out ${line}`);
  expect(seen?.().sort()).toEqual(kept.sort());
  expect(new Set(kept).size).toBe(5);
  await engine.dockerOk('rm', id);
});

test('a receiver that is not there keeps a container from starting, unless it is to be sent later', async () => {
  const syslog = ['--log-driver', 'syslog', ...option('syslog-address', 'tcp://127.0.0.1:9')];
  const refused = await engine.docker('run', '--name', 'refused', ...syslog, 'busybox', 'true');
  expect(refused.stderr).toContain(
    'failed to initialize logging driver: dial tcp 127.0.0.1:9: connect: connection refused',
  );
  const { State } = (await engine.api<{ State: { Status: string } }>('GET', '/containers/refused/json')).json;
  expect(State.Status).toBe('created');
  await engine.dockerOk('rm', 'refused');

  const receiver = await receiveStream(0);
  await receiver.close();
  const fluentd = [
    '--log-driver',
    'fluentd',
    ...option('fluentd-async', 'true'),
    ...option('fluentd-retry-wait', '50ms'),
  ];
  const address = option('fluentd-address', `127.0.0.1:${receiver.port}`);
  await engine.dockerOk('run', '--name', 'later', ...fluentd, ...address, 'busybox', 'echo', 'kept');
  expect(await engine.dockerOk('logs', 'later')).toBe('kept');
  const late = listening(await receiveStream(receiver.port));
  await expect.poll(() => late.messages().flatMap(unpackAll).length).toBe(1);
  await engine.dockerOk('rm', 'later');
});

test('without a cache docker logs says so, and entries are delivered', async () => {
  const { flags, seen } = await (SINKS['syslog'] as () => Promise<Sink>)();
  const cache = option('cache-disabled', 'true');
  await engine.dockerOk('run', '--name', 'uncached', ...flags, ...cache, 'busybox', 'echo', 'gone');
  const { status, json } = await engine.api('GET', '/containers/uncached/logs?stdout=1');
  expect([status, json]).toEqual([501, { message: 'configured logging driver does not support reading' }]);
  await expect.poll(() => seen?.()).toEqual(['out gone']);
  await engine.dockerOk('rm', 'uncached');
});

test('AutoRemove waits for the last entries to be sent', async () => {
  const { flags, seen } = await (SINKS['syslog'] as () => Promise<Sink>)();
  const script = 'i=0; while [ $i -lt 5000 ]; do i=$((i+1)); echo "line $i"; done';
  await engine.dockerOk('run', '--rm', ...flags, 'busybox', 'sh', '-c', script);
  await expect.poll(() => seen?.().length).toBe(5000);
});

const counting = (count: number): string[] => [
  'busybox',
  'sh',
  '-c',
  `i=0; while [ $i -lt ${count} ]; do i=$((i+1)); echo "line $i of a stream that is long enough to fill a cache"; done`,
];
const numbersOf = (receiver: Receiver): number[] =>
  syslogLines(receiver).flatMap((line) => {
    const number = /^out line (\d+) of a stream that is long enough to fill a cache$/.exec(line)?.[1];
    return number === undefined ? [] : [Number(number)];
  });

test('SIGKILL of the engine in the middle of a stream loses nothing and sends at most a batch twice', async () => {
  const receiver = listening(await receiveStream(0));
  const address = option('syslog-address', `tcp://127.0.0.1:${receiver.port}`);
  const count = 60_000;
  const pace = '[ $((i%1500)) -ne 0 ] || sleep 0.1';
  const command = counting(count).map((part) => part.replace('; done', `; ${pace}; done`));
  const id = await engine.dockerOk('run', '-d', '--log-driver', 'syslog', ...address, ...command);
  for (let round = 0; round < 3; round += 1) {
    const before = numbersOf(receiver).length;
    await expect.poll(() => numbersOf(receiver).length, { timeout: 30_000 }).toBeGreaterThan(before + 1000);
    await engine.kill9();
    await engine.restart();
  }
  await engine.dockerOk('wait', id);
  await expect.poll(() => numbersOf(receiver).at(-1), { timeout: 30_000 }).toBe(count);
  const numbers = numbersOf(receiver);
  expect(new Set(numbers).size).toBe(count);
  // 256 KiB of records are one batch, and each kill may repeat one.
  expect(numbers.length - count).toBeLessThan(3 * 4000);
  await engine.dockerOk('rm', id);
}, 120_000);

describe('a receiver that takes nothing', () => {
  const cache = [
    ...option('cache-max-size', '64k'),
    ...option('cache-max-file', 3),
    ...option('cache-compress', 'false'),
  ];

  test('makes a blocking container wait, not the engine, and gets everything in the end', async () => {
    const receiver = listening(await receiveStream(0, { paused: true }));
    const address = option('syslog-address', `tcp://127.0.0.1:${receiver.port}`);
    const count = 150_000;
    const id = await engine.dockerOk(
      'run',
      '-d',
      '--log-driver',
      'syslog',
      ...address,
      ...cache,
      ...counting(count),
    );
    const lastLine = () => engine.dockerOk('logs', '-n', '1', id);
    // Until nothing comes any more: what the sockets and the cache hold is full.
    for (let last = ''; ;) {
      const now = await lastLine();
      if (now !== '' && now === last) break;
      last = now;
      await delay(500);
    }
    expect((await engine.dockerOk('ps', '-q', '--no-trunc')).split('\n')).toContain(id);
    const files = readdirSync(path.join(engine.dataRoot, 'containers', id)).filter((name) =>
      /container\.log\./.test(name),
    );
    expect(files.length).toBeLessThanOrEqual(3);
    receiver.resume();
    await engine.dockerOk('wait', id);
    await expect.poll(() => numbersOf(receiver).length, { timeout: 30_000 }).toBe(count);
    expect(numbersOf(receiver)).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    await engine.dockerOk('rm', id);
  }, 120_000);

  test('does not keep a container that waits from being stopped', async () => {
    const receiver = listening(await receiveStream(0, { paused: true }));
    const address = option('syslog-address', `tcp://127.0.0.1:${receiver.port}`);
    const id = await engine.dockerOk(
      'run',
      '-d',
      '--log-driver',
      'syslog',
      ...address,
      ...cache,
      ...counting(10_000_000),
    );
    await expect.poll(() => engine.dockerOk('logs', '-n', '1', id)).toMatch(/line \d{4,}/);
    await engine.dockerOk('kill', id);
    await engine.dockerOk('wait', id);
    receiver.resume();
    await engine.dockerOk('rm', id);
  });

  test('does not make a non-blocking container wait', async () => {
    const receiver = await receiveStream(0);
    const address = option('syslog-address', `tcp://127.0.0.1:${receiver.port}`);
    const mode = [...option('mode', 'non-blocking'), ...option('max-buffer-size', '100k')];
    const count = 30_000;
    const flags = ['--log-driver', 'syslog', ...address, ...cache, ...mode];
    const script = counting(count).at(-1) ?? '';
    const waiting = `echo first; while [ ! -e /go ]; do sleep 0.02; done; ${script}`;
    const id = await engine.dockerOk('run', '-d', ...flags, 'busybox', 'sh', '-c', waiting);
    await expect.poll(() => syslogLines(receiver)).toEqual(['out first']);
    await receiver.close();
    await engine.dockerOk('exec', id, 'touch', '/go');
    await engine.dockerOk('wait', id);
    expect(await engine.dockerOk('logs', '-n', '1', id)).toContain(`line ${count} `);
    const again = listening(await receiveStream(receiver.port));
    await expect.poll(() => numbersOf(again).at(-1), { timeout: 30_000 }).toBe(count);
    const numbers = numbersOf(again);
    expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
    expect(numbers.length).toBeLessThan(count);
    await engine.dockerOk('rm', id);
  }, 120_000);
});

test('a hundred megabytes of lines do not grow the engine', async () => {
  const residentKib = (): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${engine.pid()}/status`, 'utf8'))?.[1]);
  const before = residentKib();
  const script = 'yes "a line of sixty-four bytes, as many as a hundred megabytes are" | head -c 100000000';
  await engine.dockerOk('run', '--name', 'talker', 'busybox', 'sh', '-c', script);
  expect(residentKib() - before).toBeLessThan(64 * 1024);
  await engine.dockerOk('rm', 'talker');
}, 120_000);

const rsyslogd = '/usr/sbin/rsyslogd';
test.skipIf(!existsSync(rsyslogd))(
  'rsyslogd understands every format, over TCP and its own socket',
  async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'gantry-rsyslog-'));
    const unused = await receiveStream(0);
    await unused.close();
    const { port } = unused;
    const work = path.join(directory, 'work');
    mkdirSync(work);
    const log = path.join(directory, 'out');
    const socket = path.join(directory, 'log');
    const config = path.join(directory, 'conf');
    const template = '%syslogfacility-text%.%syslogseverity-text% %programname% %msg%\\n';
    writeFileSync(
      config,
      [
        `global(workDirectory="${work}")`,
        `template(name="t" type="string" string="${template}")`,
        `module(load="imuxsock" SysSock.Use="off") input(type="imuxsock" Socket="${socket}" UseSysTimeStamp="off")`,
        `module(load="imtcp") input(type="imtcp" port="${port}" address="127.0.0.1")`,
        `action(type="omfile" file="${log}" template="t")`,
      ].join('\n'),
    );
    const daemon = spawn(rsyslogd, ['-n', '-f', config, '-i', path.join(directory, 'pid')], {
      stdio: 'ignore',
    });
    const ended = new Promise((resolve) => daemon.on('exit', resolve));
    try {
      await expect.poll(() => existsSync(socket)).toBe(true);
      const formats: [string, string][] = [
        [`tcp://127.0.0.1:${port}`, 'rfc3164'],
        [`tcp://127.0.0.1:${port}`, 'rfc5424'],
        [`tcp://127.0.0.1:${port}`, 'rfc5424micro'],
        // What programs on the machine itself write has no host.
        [`unixgram://${socket}`, ''],
      ];
      for (const [address, format] of formats) {
        const options = { 'syslog-address': address, 'syslog-facility': 'local3', tag: 'ours' };
        const flags = Object.entries({ ...options, 'syslog-format': format }).flatMap(([name, value]) =>
          option(name, value),
        );
        const run = ['run', '--rm', '--log-driver', 'syslog', ...flags, 'busybox', 'echo', `as "${format}"`];
        // It takes TCP a little after it has made its socket.
        await expect.poll(async () => (await engine.docker(...run)).code).toBe(0);
        await expect
          .poll(() => existsSync(log) && readFileSync(log, 'utf8'))
          .toMatch(new RegExp(`^local3.info ours {1,2}as "${format}"$`, 'm'));
      }
    } finally {
      daemon.kill('SIGTERM');
      await ended;
      rmSync(directory, { recursive: true });
    }
  },
);
