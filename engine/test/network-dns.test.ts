import { execFile } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
let upstream: Upstream;
beforeAll(async () => {
  engine = await startEngine();
  // Makes the bridge, whose address the upstream server has.
  await run('first', '--network', 'bridge');
  upstream = await startUpstream(engine.subnet.replace(/\.0\/24$/, '.1'));
  await engine.dockerOk('network', 'create', 'app_net');
});
afterAll(async () => {
  upstream.close();
  await engine.stop();
});

function run(name: string, ...flags: string[]): Promise<string> {
  return engine.dockerOk('run', '-d', '--name', name, ...flags, 'busybox', 'sleep', '1000');
}

async function pidOf(name: string): Promise<string> {
  return engine.dockerOk('inspect', '-f', '{{.State.Pid}}', name);
}

/** A header and one question, class IN; `edns` asks for answers of 4096 bytes. */
function encodeQuestion(name: string, type: number, edns: boolean): Buffer {
  const labels = name === '' ? [] : name.split('.');
  const encoded = labels.flatMap((label) => [label.length, ...Buffer.from(label)]);
  const header = [0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, edns ? 1 : 0];
  const opt = edns ? [0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0] : [];
  return Buffer.from([...header, ...encoded, 0, type >> 8, type & 255, 0, 1, ...opt]);
}

interface Upstream {
  /** Names that it was asked for. */
  asked: string[];
  close(): void;
}

/** Answers every question for `x.test` with 192.0.2.1; `big.test` is truncated but by TCP; `broken.test` fails. */
async function startUpstream(address: string): Promise<Upstream> {
  const asked: string[] = [];
  const answer = (question: Buffer, byTcp: boolean): Buffer => {
    let [at, name] = [12, ''];
    while (question[at]) {
      const length = question[at] ?? 0;
      name += `${question.toString('latin1', at + 1, at + 1 + length)}.`;
      at += 1 + length;
    }
    asked.push(name.slice(0, -1));
    const reply = Buffer.from(question.subarray(0, at + 5));
    const truncated = name === 'big.test.' && !byTcp;
    const known = name.endsWith('.test.') && !truncated && name !== 'broken.test.';
    reply[2] = 0x80 | (truncated ? 2 : 0);
    reply[3] = name === 'broken.test.' ? 2 : known || truncated ? 0 : 3;
    reply.writeUInt16BE(known ? 1 : 0, 6);
    reply.fill(0, 8, 12);
    const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1];
    return Buffer.concat([reply, Buffer.from(known ? record : [])]);
  };
  const udp: Socket = createSocket('udp4', (question, { port, address: from }) => {
    udp.send(answer(question, false), port, from);
  });
  const tcp: Server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (data: Buffer) => {
      const reply = answer(data.subarray(2), true);
      socket.write(Buffer.concat([Buffer.from([reply.length >> 8, reply.length & 255]), reply]));
    });
  });
  await new Promise<void>((resolve) => udp.bind(53, address, resolve));
  await new Promise<void>((resolve) => tcp.listen(53, address, resolve));
  return {
    asked,
    close() {
      udp.close();
      tcp.close();
    },
  };
}

const CLIENT = `
  const [hex, by] = process.argv.slice(1);
  const done = (reply) => { console.log(reply.toString('hex')); process.exit(); };
  const question = Buffer.from(hex, 'hex');
  if (by === 'udp') {
    const socket = require('dgram').createSocket('udp4').on('message', done);
    socket.send(question, 53, '127.0.0.11');
  } else {
    const socket = require('net').connect(53, '127.0.0.11').on('data', (data) => done(data.subarray(2)));
    socket.on('error', (error) => { console.log(error.code); process.exit(1); });
    socket.write(Buffer.concat([Buffer.from([question.length >> 8, question.length & 255]), question]));
  }
  setTimeout(() => { console.log('timeout'); process.exit(1); }, 10000);`;

interface Answer {
  code: number;
  truncated: boolean;
  answers: number;
  raw: Buffer;
}

const A = 1;
const MX = 15;
const AAAA = 28;
const NAME_ERROR = 3;

async function ask(container: string, name: string, type = A, by = 'udp', edns = false): Promise<Answer> {
  const argv = ['-t', await pidOf(container), '-n', process.execPath, '-e', CLIENT];
  const question = encodeQuestion(name, type, edns).toString('hex');
  const { stdout } = await promisify(execFile)('nsenter', [...argv, question, by]);
  const raw = Buffer.from(stdout.trim(), 'hex');
  expect(raw.readUInt16BE(0)).toBe(0xabcd);
  return {
    code: (raw[3] ?? 0) & 15,
    truncated: ((raw[2] ?? 0) & 2) !== 0,
    answers: raw.readUInt16BE(6),
    raw,
  };
}

/** As the program in a container sees it. */
async function lookUp(container: string, name: string): Promise<string[]> {
  const { stdout } = await engine.docker('exec', container, 'nslookup', name);
  return [...stdout.matchAll(/^Address: (\S+)$/gm)].map((match) => match[1] ?? '');
}

function addressOf(container: string, network: string): Promise<string> {
  return engine.dockerOk(
    'inspect',
    '-f',
    `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
    container,
  );
}

test('names, aliases and IDs lead to containers and back, as they come, change and go', async () => {
  const id = await run('web', '--network', 'app_net', '--network-alias', 'Frontend', '--hostname', 'own');
  await run('client', '--network', 'app_net');
  const address = await addressOf('web', 'app_net');
  for (const name of ['web', 'WEB', 'frontend', 'own', id.slice(0, 12), 'web.app_net']) {
    expect(await lookUp('client', name), name).toEqual([address]);
  }
  expect(await engine.dockerOk('exec', 'client', 'nslookup', address)).toContain('name = web.app_net');
  await engine.dockerOk('rename', 'web', 'site');
  expect(await lookUp('client', 'site')).toEqual([address]);
  expect(await lookUp('client', 'web')).toEqual([]);
  await engine.dockerOk('rm', '-f', 'site');
  expect(await lookUp('client', 'site')).toEqual([]);
});

test('several containers of one name take turns', async () => {
  for (const name of ['one', 'two', 'three']) {
    await run(name, '--network', 'app_net', '--network-alias', 'service');
  }
  const answers = await Promise.all(Array.from({ length: 12 }, () => ask('client', 'service')));
  const first = answers.map(({ raw }) =>
    raw.subarray(12 + 9 + 4 + 2 + 12, 12 + 9 + 4 + 2 + 16).toString('hex'),
  );
  expect(answers.every(({ answers: count }) => count === 3)).toBe(true);
  expect(new Set(first).size).toBeGreaterThan(1);
  await engine.dockerOk('rm', '-f', 'one', 'two', 'three');
});

test('a name that is there has no other records, one that is not does not exist', async () => {
  for (const by of ['udp', 'tcp']) {
    expect(await ask('client', 'client', AAAA, by)).toMatchObject({ code: 0, answers: 0 });
    expect(await ask('client', 'client', MX, by)).toMatchObject({ code: 0, answers: 0 });
    expect(await ask('client', 'nobody', A, by)).toMatchObject({ code: NAME_ERROR, answers: 0 });
  }
  expect((await ask('client', 'client', A, 'udp', true)).raw.readUInt16BE(10)).toBe(1);
});

test('other questions go upstream, past servers that do not answer, and internal names never do', async () => {
  const server = engine.subnet.replace(/\.0\/24$/, '.1');
  await run('asker', '--network', 'app_net', '--dns', '192.0.2.77', '--dns', server);
  expect(await ask('asker', 'www.test')).toMatchObject({ code: 0, answers: 1 });
  expect(await ask('asker', 'www.test', A, 'tcp')).toMatchObject({ code: 0, answers: 1 });
  expect(await ask('asker', 'big.test')).toMatchObject({ code: 0, truncated: true, answers: 0 });
  expect(await ask('asker', 'big.test', A, 'tcp')).toMatchObject({ truncated: false, answers: 1 });
  expect(await ask('asker', 'broken.test')).toMatchObject({ code: 2, answers: 0 });
  for (const name of ['asker', 'nobody', 'nobody.app_net']) await ask('asker', name);
  await engine.docker('exec', 'asker', 'nslookup', await addressOf('client', 'app_net'));
  expect(new Set(upstream.asked)).toEqual(new Set(['www.test', 'big.test', 'broken.test']));
  await engine.dockerOk('rm', '-f', 'asker');
});

test('an internal network asks nobody outside', async () => {
  const server = engine.subnet.replace(/\.0\/24$/, '.1');
  await engine.dockerOk('network', 'create', '--internal', 'cellar');
  await run('hermit', '--network', 'cellar', '--dns', server);
  const before = upstream.asked.length;
  expect(await ask('hermit', 'www.test')).toMatchObject({ code: 2 });
  expect(await ask('hermit', 'hermit')).toMatchObject({ code: 0, answers: 1 });
  expect(upstream.asked).toHaveLength(before);
  await engine.dockerOk('rm', '-f', 'hermit');
  await engine.dockerOk('network', 'rm', 'cellar');
});

test('a container can have a DNS server of its own at all its addresses', async () => {
  const SERVER = `require('dgram').createSocket('udp4').bind(53, () => { console.log('bound'); process.exit(); })`;
  const argv = ['-t', await pidOf('client'), '-n', process.execPath, '-e', SERVER];
  expect((await promisify(execFile)('nsenter', argv)).stdout).toBe('bound\n');
});

test('connecting a container to its first user-defined network gives it names', async () => {
  expect(await engine.dockerOk('exec', 'first', 'cat', '/etc/resolv.conf')).not.toContain('127.0.0.11');
  await engine.dockerOk('network', 'connect', '--alias', 'newcomer', 'app_net', 'first');
  expect(await engine.dockerOk('exec', 'first', 'cat', '/etc/resolv.conf')).toContain(
    'nameserver 127.0.0.11\n',
  );
  expect(await lookUp('first', 'client')).toEqual([await addressOf('client', 'app_net')]);
  expect(await lookUp('client', 'newcomer')).toEqual([await addressOf('first', 'app_net')]);
  await engine.dockerOk('network', 'disconnect', 'app_net', 'first');
  expect(await lookUp('client', 'newcomer')).toEqual([]);
  expect(await engine.dockerOk('exec', 'first', 'cat', '/etc/resolv.conf')).not.toContain('127.0.0.11');
});

/** The DNS servers in a container's network namespace. */
async function dnsServers(container: string): Promise<number[]> {
  const namespace = await promisify(execFile)('readlink', [`/proc/${await pidOf(container)}/ns/net`]);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const own: number[] = [];
  for (const pid of pids) {
    try {
      if (readFileSync(`/proc/${pid}/comm`, 'utf8').trim() !== 'gantry-dns') continue;
      const { stdout } = await promisify(execFile)('readlink', [`/proc/${pid}/ns/net`]);
      if (stdout === namespace.stdout) own.push(Number(pid));
    } catch {
      // It ended meanwhile.
    }
  }
  return own;
}

test('the DNS server has no privilege, and one that dies is replaced', async () => {
  const [pid = 0] = await dnsServers('client');
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  expect(status).toMatch(/^Uid:\t65534\t65534\t65534\t65534$/m);
  expect(status).toMatch(/^CapEff:\t0+$/m);
  expect(status).toMatch(/^Seccomp:\t2$/m);
  expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  process.kill(pid, 'SIGSEGV');
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const [now] = await dnsServers('client');
    if (now !== undefined && now !== pid) break;
    await delay(50);
  }
  expect(await lookUp('client', 'client')).toEqual([await addressOf('client', 'app_net')]);
});

test('the DNS server ends with its supervisor', async () => {
  await run('doomed', '--network', 'app_net');
  const [pid = 0] = await dnsServers('doomed');
  const [, supervisor] = /^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  process.kill(Number(supervisor), 'SIGKILL');
  for (let attempt = 0; attempt < 100 && existsSync(`/proc/${pid}`); attempt += 1) await delay(50);
  expect(existsSync(`/proc/${pid}`)).toBe(false);
  await engine.dockerOk('rm', '-f', 'doomed');
});

test('names go on being found while the engine is dead, and new ones once it is back', async () => {
  await run('other', '--network', 'app_net');
  await engine.kill9();
  // The client of the engine is gone with it.
  await engine.restart();
  expect(await lookUp('client', 'other')).toEqual([await addressOf('other', 'app_net')]);
  await run('later', '--network', 'app_net');
  expect(await lookUp('client', 'later')).toEqual([await addressOf('later', 'app_net')]);
  await engine.dockerOk('rm', '-f', 'other', 'later');
});
