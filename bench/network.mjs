// Networks: throughput, latency, new connections, DNS, connecting, starting with published ports.
//   npm run bench -- network [ROUNDS] [SECONDS]
import { execFile, spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { loadImage } from './engine-api.mjs';
import { preparePodman } from './lifecycle.mjs';
import { cpuSecondsOf, processesOf } from './memory.mjs';
import { makeScratch, startDockerd, startGantry } from './peers.mjs';

const IMAGE_ARCHIVE = 'build/starter/busybox.tar';
const IMAGE = 'busybox';
const IPERF_PORT = 5201;
const SERVER_PORT = 7000;
const HOST_PORT = 18_000;
const CONNECTIONS = 3000;
const QUERIES = 20_000;
const TRIPS = 3000;

/** Of any one command: what hangs is told as failed. */
const PATIENCE_MS = 30_000;

/** Of one run of iperf3. */
let seconds = 2;

const execute = promisify(execFile);

/** Trimmed output of a command. */
async function output(argv) {
  const { stdout } = await execute(argv[0], argv.slice(1), { maxBuffer: 1 << 24, timeout: PATIENCE_MS });
  return stdout.trim();
}

/** Datagrams that fit into a frame, as fast as it goes. */
const UDP_FLOOD = ['-u', '-b', '0', '-l', '1400'];

/** Each measures one number of one competitor; `more`: larger is better. */
const WORKS = [
  {
    title: 'container to container, Gbit/s',
    more: true,
    work: (side) => throughput(side.peer, side.address),
  },
  { title: 'host to container, Gbit/s', more: true, work: (side) => throughput(side.host, side.address) },
  {
    title: 'container to container by UDP, Gbit/s received',
    more: true,
    work: (side) => throughput(side.peer, side.address, IPERF_PORT, UDP_FLOOD),
  },
  {
    title: 'host to container by UDP, Gbit/s received',
    more: true,
    work: (side) => throughput(side.host, side.address, IPERF_PORT, UDP_FLOOD),
  },
  {
    title: 'published port by 127.0.0.1, Gbit/s',
    more: true,
    work: (side) => throughput(side.host, '127.0.0.1', portOf(side)),
  },
  {
    title: 'published port by an own address, Gbit/s',
    more: true,
    work: (side) => throughput(side.host, side.gateway, portOf(side)),
  },
  {
    title: 'published UDP port by 127.0.0.1, Gbit/s received',
    more: true,
    work: (side) => throughput(side.host, '127.0.0.1', portOf(side), UDP_FLOOD),
  },
  {
    title: 'round trip container to container, µs',
    work: (side) => roundTrip(side.peer, side.address, SERVER_PORT),
  },
  {
    title: 'round trip host to container, µs',
    work: (side) => roundTrip(side.host, side.address, SERVER_PORT),
  },
  {
    title: 'round trip through a published port, µs',
    work: (side) => roundTrip(side.host, '127.0.0.1', portOf(side) + 1),
  },
  {
    title: 'round trip container to container by UDP, µs',
    work: (side) => datagramTrip(side.peer, side.address, SERVER_PORT),
  },
  {
    title: 'round trip through a published UDP port, µs',
    work: (side) => datagramTrip(side.host, '127.0.0.1', portOf(side) + 1),
  },
  {
    title: 'new connections by 127.0.0.1, per second',
    more: true,
    work: (side) => connections(side.host, '127.0.0.1', portOf(side) + 2),
  },
  {
    title: 'new connections by an own address, per second',
    more: true,
    work: (side) => connections(side.host, side.gateway, portOf(side) + 2),
  },
  { title: 'DNS questions for a name, per second', more: true, work: (side) => questions(side.peer) },
  { title: 'connecting a network to a running container, ms', work: connectTime },
];

export async function run([roundsText = '3', secondsText = '2']) {
  const rounds = Number(roundsText);
  seconds = Number(secondsText);
  const scratch = makeScratch();
  const engines = [];
  const sides = [];
  try {
    engines.push(await startGantry(scratch));
    const dockerd = await startDockerd(scratch);
    if (dockerd) engines.push(dockerd);
    for (const engine of engines) await loadImage(engine.socket, IMAGE_ARCHIVE);
    const podman = preparePodman(scratch, ['bridge']);
    for (const engine of engines) sides.push(await prepare(dockerSide(engine)));
    if (podman) await prepare(podmanSide(podman)).then((side) => sides.push(side), leftOut);
    const names = [...engines, ...(podman ? [podman] : [])].map(({ name, version }) => `${name} ${version}`);
    console.log(`${names.join(', ')}; ${rounds} rounds in turn; medians\n`);
    const loopback = await measureLoopback(rounds);
    console.log(`loopback of the host without any container: ${loopback.toFixed(1)} Gbit/s\n`);
    for (const one of WORKS) await inTurn(one, sides, rounds);
    for (const ports of [0, 1, 3, 10]) {
      const title = `run --rm by the CLI with ${ports} published ports, ms`;
      await inTurn({ title, work: (side) => startTime(side, ports) }, sides, rounds + 2);
    }
    await reportCpu(sides);
  } finally {
    for (const side of sides) await side.close();
    for (const engine of engines) await engine.stop();
    spawnSync('umount', [path.join(scratch, 'podman/root/overlay')]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function leftOut(error) {
  console.log(`podman left out: ${error.message.trim().split('\n').at(-1)}`);
}

/** How one engine is driven: its command line and where its host is. */
function dockerSide(engine) {
  const isDockerd = engine.name === 'dockerd';
  const host = isDockerd ? ['nsenter', '-t', String(engine.pid), '-n'] : [];
  return { name: engine.name, engine, host, command: ['docker', '-H', `unix://${engine.socket}`], flags: [] };
}

function podmanSide(podman) {
  const flags = podman.run.slice(podman.command.length + 1);
  return { name: 'podman', host: [], command: podman.command, flags };
}

/** Two containers on a network of their own, the first with servers and published ports. */
async function prepare(side) {
  const cli = (...args) => output([...side.command, ...args]);
  const start = async (name, ...flags) => {
    const sleep = [IMAGE, 'sleep', '100000'];
    await cli('run', '-d', '--name', name, '--network', 'bench', ...side.flags, ...flags, ...sleep);
    const pid = await cli('inspect', '-f', '{{.State.Pid}}', name);
    return ['nsenter', '-t', pid, '-n'];
  };
  await cli('network', 'create', 'bench');
  const publish = [
    `${portOf(side)}:${IPERF_PORT}`,
    `${portOf(side)}:${IPERF_PORT}/udp`,
    `${portOf(side) + 1}:${SERVER_PORT}`,
    `${portOf(side) + 1}:${SERVER_PORT}/udp`,
    `${portOf(side) + 2}:${SERVER_PORT + 1}`,
  ];
  const server = await start('server', ...publish.flatMap((port) => ['-p', port]));
  const peer = await start('peer');
  const one = (field) =>
    cli('inspect', '-f', `{{range .NetworkSettings.Networks}}{{.${field}}}{{end}}`, 'server');
  const processes = [
    spawnIn(server, 'iperf3', '-s'),
    spawnIn(server, process.execPath, '-e', ECHO_SERVER, String(SERVER_PORT)),
  ];
  const [address, gateway] = [await one('IPAddress'), await one('Gateway')];
  await delay(500);
  return {
    ...side,
    cli,
    peer,
    address,
    gateway,
    async close() {
      for (const child of processes) child.kill('SIGKILL');
      await cli('rm', '-f', 'server', 'peer').catch(() => undefined);
      await cli('network', 'rm', 'bench').catch(() => undefined);
    },
  };
}

/** podman shares the host's ports with ours. */
const portOf = ({ name }) => HOST_PORT + (name === 'podman' ? 100 : 0);

function spawnIn(prefix, ...argv) {
  const [command, ...args] = [...prefix, ...argv];
  return spawn(command, args, { stdio: 'ignore' });
}

/** Echoes on one port of both protocols, and takes connections and lets them go on the next. */
const ECHO_SERVER = `
  const net = require('node:net');
  const port = Number(process.argv[1]);
  net.createServer({ noDelay: true }, (s) => s.pipe(s).on('error', () => undefined)).listen(port);
  net.createServer((s) => s.on('error', () => undefined).end()).listen(port + 1, undefined, 4096);
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (message, { port, address }) => socket.send(message, port, address)).bind(port);`;

async function throughput(from, host, port = IPERF_PORT, flags = []) {
  const argv = ['iperf3', '-c', host, '-p', String(port), '-t', String(seconds), '-J', ...flags];
  const { end } = JSON.parse(await output([...from, ...argv]));
  const { bits_per_second: bits } = end.sum_received ?? end.sum;
  const lost = flags.includes('-u') ? (end.sum.lost_percent ?? 0) / 100 : 0;
  return (bits * (1 - lost)) / 1e9;
}

const CLIENTS = {
  trip: `
    const [host, port, count] = process.argv.slice(1);
    const socket = require('node:net').connect({ host, port: Number(port), noDelay: true });
    const times = [];
    let started;
    const next = () => { started = process.hrtime.bigint(); socket.write('x'); };
    socket.on('connect', next).on('data', () => {
      times.push(Number(process.hrtime.bigint() - started) / 1000);
      if (times.length < Number(count)) return next();
      console.log(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]);
      process.exit();
    });`,
  datagram: `
    const [host, port, count] = process.argv.slice(1);
    const socket = require('node:dgram').createSocket('udp4');
    const times = [];
    let started;
    const next = () => { started = process.hrtime.bigint(); socket.send('x', Number(port), host); };
    socket.on('message', () => {
      times.push(Number(process.hrtime.bigint() - started) / 1000);
      if (times.length < Number(count)) return next();
      console.log(times.sort((a, b) => a - b)[Math.floor(times.length / 2)]);
      process.exit();
    });
    next();`,
  connect: `
    const [host, port, count] = process.argv.slice(1);
    const net = require('node:net');
    let [left, open] = [Number(count), 0];
    const started = performance.now();
    const next = () => {
      if (left === 0 && open === 0) {
        console.log(Number(count) / ((performance.now() - started) / 1000));
        process.exit();
      }
      if (left === 0) return;
      left -= 1;
      open += 1;
      net.connect({ host, port: Number(port) }).on('error', (e) => { console.error(e); process.exit(1); })
        .on('close', () => { open -= 1; next(); }).resume();
    };
    for (let i = 0; i < 32; i += 1) next();`,
  dns: `
    const [server, name, count] = process.argv.slice(1);
    const socket = require('node:dgram').createSocket('udp4');
    const labels = name.split('.').flatMap((label) => [label.length, ...Buffer.from(label)]);
    const question = Buffer.from([0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, ...labels, 0, 0, 1, 0, 1]);
    let [sent, answered] = [0, 0];
    const ask = () => { question.writeUInt16BE(sent & 0xffff); sent += 1; socket.send(question, 53, server); };
    const started = performance.now();
    socket.on('message', (answer) => {
      if ((answer[3] & 15) !== 0 || answer.readUInt16BE(6) === 0) { console.error('not found'); process.exit(1); }
      answered += 1;
      if (answered === Number(count)) {
        console.log(answered / ((performance.now() - started) / 1000));
        process.exit();
      }
      if (sent < Number(count)) ask();
    });
    socket.bind(0, () => { for (let i = 0; i < 32; i += 1) ask(); });`,
};

async function client(from, script, ...args) {
  return Number(await output([...from, process.execPath, '-e', CLIENTS[script], ...args.map(String)]));
}

const roundTrip = (from, host, port) => client(from, 'trip', host, port, TRIPS);
const datagramTrip = (from, host, port) => client(from, 'datagram', host, port, TRIPS);
const connections = (from, host, port) => client(from, 'connect', host, port, CONNECTIONS);

async function questions(from) {
  const conf = await output([...from.slice(0, 1), '-t', from[2], '-m', 'cat', '/etc/resolv.conf']);
  const [, server] = /nameserver (\S+)/.exec(conf) ?? [];
  return client(from, 'dns', server, 'server', QUERIES);
}

async function connectTime(side) {
  await side.cli('network', 'create', 'second');
  const started = performance.now();
  await side.cli('network', 'connect', 'second', 'peer');
  const elapsed = performance.now() - started;
  await side.cli('network', 'disconnect', 'second', 'peer');
  await side.cli('network', 'rm', 'second');
  return elapsed;
}

async function startTime(side, count) {
  const first = portOf(side) + 1000;
  const publish = Array.from({ length: count }, (_, index) => ['-p', `${first + index}:${80 + index}`]);
  const started = performance.now();
  await side.cli('run', '--rm', ...side.flags, ...publish.flat(), IMAGE, 'true');
  return performance.now() - started;
}

async function measureLoopback(rounds) {
  const server = spawn('iperf3', ['-s', '-p', '15201'], { stdio: 'ignore' });
  await delay(300);
  const values = [];
  for (let round = 0; round < rounds; round += 1) values.push(await throughput([], '127.0.0.1', 15201));
  server.kill();
  return median(values);
}

/** What the daemon itself spends on a published port. */
async function reportCpu(sides) {
  console.log(`processor seconds of the engine for ${seconds} s through a published port by 127.0.0.1`);
  for (const side of sides.filter(({ engine }) => engine)) {
    const before = cpuSecondsOf(processesOf(side.engine));
    await throughput(side.host, '127.0.0.1', portOf(side));
    console.log(`  ${side.name.padEnd(8)} ${(cpuSecondsOf(processesOf(side.engine)) - before).toFixed(2)}`);
  }
}

/** The first of the sides is ours. A side that cannot do it is named. */
async function inTurn({ title, work, more }, sides, rounds) {
  const values = new Map(sides.map((side) => [side, []]));
  const failures = new Map();
  for (let round = 0; round < rounds; round += 1) {
    for (const side of sides) {
      if (failures.has(side)) continue;
      try {
        values.get(side).push(await work(side));
      } catch (error) {
        failures.set(side, error.message.trim().split('\n').at(-1));
      }
    }
  }
  console.log(title);
  const ours = median(values.get(sides[0]));
  for (const side of sides) {
    const value = median(values.get(side));
    const ratio = more ? ours / value : value / ours;
    const shown = failures.has(side) ? `failed: ${failures.get(side)}` : format(value);
    console.log(
      `  ${side.name.padEnd(8)} ${shown}${side === sides[0] || failures.has(side) ? '' : `   ours is ${ratio.toFixed(1)} × as good`}`,
    );
  }
}

const format = (value) => (value >= 100 ? value.toFixed(0) : value.toFixed(1));

function median(list) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
