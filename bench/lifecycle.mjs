// A container's life: the limit (the same kernel work from a bare C program), ours and the peers in turn, ratios.
//   npm run bench -- lifecycle [ROUNDS] [CONTAINERS]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { compare } from './compare.mjs';
import { loadImage } from './engine-api.mjs';
import { measureFloor } from './floor.mjs';
import { cpuSecondsOf, memoryOf, processesOf } from './memory.mjs';
import { makeScratch, startDockerd, startGantry } from './peers.mjs';

const IMAGE_ARCHIVE = 'build/starter/busybox.tar';
const NETWORKS = ['bridge', 'none', 'host'];
const IDLE_SECONDS = 10;

export async function run([roundsText = '15', manyText = '100']) {
  const rounds = Number(roundsText);
  const many = Number(manyText);
  const scratch = makeScratch();
  const engines = [];
  try {
    engines.push(await startGantry(scratch));
    const dockerd = await startDockerd(scratch);
    if (dockerd) engines.push(dockerd);
    for (const engine of engines) await loadImage(engine.socket, IMAGE_ARCHIVE);
    const podman = preparePodman(scratch);
    const names = [...engines, ...(podman ? [podman] : [])].map(({ name, version }) => `${name} ${version}`);
    console.log(`${names.join(', ')}; ${rounds} rounds in turn; ms, p10 / median\n`);
    reportMemory(engines, 0);
    for (const network of NETWORKS) await compareApi(engines, scratch, network, rounds);
    for (const network of NETWORKS) await compareCli(engines, podman, network, rounds);
    await compareExec(engines, rounds);
    await compareEnd(engines, rounds);
    await compareCrowd(engines, rounds, many);
    await compareList(engines, rounds);
  } finally {
    for (const engine of engines) await engine.stop();
    // podman leaves its bind mount of the overlay directory.
    spawnSync('umount', [path.join(scratch, 'podman/root/overlay')]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function compareApi(engines, scratch, network, rounds) {
  const competitors = engines.map((engine) => ({
    name: engine.name,
    work: () => throughApi(engine, network),
  }));
  const title = `API create+start+wait+remove, ${network}`;
  await compare(title, rounds, competitors, measureFloor(scratch, network, rounds));
}

async function compareCli(engines, podman, network, rounds) {
  const competitors = engines.map(({ name, socket }) => ({
    name,
    work: () => throughCli(['docker', '-H', `unix://${socket}`, 'run'], network),
  }));
  if (podman) competitors.push({ name: podman.name, work: () => throughCli(podman.run, network) });
  await compare(`run --rm by the CLI, ${network}`, rounds, competitors);
}

async function compareExec(engines, rounds) {
  const sleepers = new Map();
  for (const engine of engines) sleepers.set(engine, await startSleeper(engine));
  const each = (work) =>
    engines.map((engine) => ({ name: engine.name, work: () => work(engine, sleepers.get(engine)) }));
  await compare('exec true by the API', rounds, each(execThroughApi));
  const throughDocker = ({ socket }, id) => {
    const { status, stderr } = spawnSync('docker', ['-H', `unix://${socket}`, 'exec', id, 'true']);
    if (status !== 0) throw new Error(`exec: ${String(stderr)}`);
  };
  await compare('exec true by the CLI', rounds, each(throughDocker));
  const forty = (engine, id) => Promise.all(Array.from({ length: 40 }, () => execThroughApi(engine, id)));
  await compare('40 execs at once', Math.min(rounds, 3), each(forty));
  await compare(
    'stats, one shot',
    rounds,
    each(({ client }, id) => client.request('GET', `/containers/${id}/stats?stream=0&one-shot=1`)),
  );
  for (const [engine, id] of sleepers) await removeByForce(engine, id);
}

/** What it takes to be rid of a container, and until everybody knows. */
async function compareEnd(engines, rounds) {
  const killed = async (engine) => {
    const id = await startSleeper(engine);
    const waited = engine.client.request('POST', `/containers/${id}/wait?condition=not-running`);
    const started = performance.now();
    await engine.client.request('POST', `/containers/${id}/kill`);
    await waited;
    const elapsed = performance.now() - started;
    await removeByForce(engine, id);
    return elapsed;
  };
  const removed = async (engine) => {
    const id = await createOne(engine, ['true'], 'none');
    const started = performance.now();
    await engine.client.request('DELETE', `/containers/${id}`);
    return performance.now() - started;
  };
  const each = (work) => engines.map((engine) => ({ name: engine.name, work: () => work(engine) }));
  await compare('kill until wait answers', rounds, each(killed));
  await compare('remove a stopped container', rounds, each(removed));
}

/** Many at once: starting, memory, idle CPU, a restart of ours with all of them running. */
async function compareCrowd(engines, rounds, many) {
  const crowds = new Map(engines.map((engine) => [engine, []]));
  const start = async (engine) => crowds.get(engine).push(await startSleeper(engine, 'bridge'));
  const each = (work) => engines.map((engine) => ({ name: engine.name, work: () => work(engine) }));
  for (const engine of engines) for (let i = 0; i < Math.min(10, many); i++) await start(engine);
  reportMemory(engines, Math.min(10, many));
  const rest = Math.max(0, many - 10);
  const times = engines.map(() => 0);
  for (const [index, engine] of engines.entries()) {
    const started = performance.now();
    for (let i = 0; i < rest; i++) await start(engine);
    times[index] = performance.now() - started;
  }
  printOnce(
    `${rest} containers one after the other, each`,
    engines,
    times.map((time) => time / Math.max(1, rest)),
  );
  reportMemory(engines, many);
  await reportIdle(engines, many);
  await compare(
    `stats of ${many}, one shot each, at once`,
    Math.min(rounds, 3),
    each(({ client, ...engine }) =>
      Promise.all(
        [...crowds]
          .find(([{ name }]) => name === engine.name)[1]
          .map((id) => client.request('GET', `/containers/${id}/stats?stream=0&one-shot=1`)),
      ),
    ),
  );
  await reportRestart(engines[0], many);
  for (const [engine, ids] of crowds) for (const id of ids) await removeByForce(engine, id);
  const wide = async (engine) => {
    const ids = await Promise.all(Array.from({ length: 10 }, () => startSleeper(engine, 'bridge')));
    return ids;
  };
  const tenAtOnce = async (engine) => {
    const started = performance.now();
    const ids = await wide(engine);
    const elapsed = performance.now() - started;
    await Promise.all(ids.map((id) => removeByForce(engine, id)));
    return elapsed;
  };
  await compare('10 containers at once', Math.min(rounds, 5), each(tenAtOnce));
}

async function compareList(engines, rounds) {
  const made = new Map(engines.map((engine) => [engine, []]));
  for (const engine of engines)
    for (let i = 0; i < 1000; i++) made.get(engine).push(await createOne(engine, ['true'], 'none'));
  const list = ({ client }) => client.request('GET', '/containers/json?all=1');
  await compare(
    'list of 1,000 containers',
    rounds,
    engines.map((engine) => ({ name: engine.name, work: () => list(engine) })),
  );
  for (const [engine, ids] of made) for (const id of ids) await removeByForce(engine, id);
}

function printOnce(title, engines, values) {
  console.log(title);
  for (const [index, { name }] of engines.entries()) {
    const ratio = index === 0 ? '' : `   ${(values[index] / values[0]).toFixed(1)} × ours`;
    console.log(`  ${name.padEnd(8)} ${values[index].toFixed(1)}${ratio}`);
  }
}

function reportMemory(engines, running) {
  console.log(`memory with ${running} containers, engine and its helpers: MiB resident / proportional`);
  for (const engine of engines) {
    const { rss, pss } = memoryOf(processesOf(engine));
    console.log(`  ${engine.name.padEnd(8)} ${rss.toFixed(0)} / ${pss.toFixed(0)}`);
  }
}

async function reportIdle(engines, running) {
  const before = engines.map((engine) => cpuSecondsOf(processesOf(engine)));
  await delay(IDLE_SECONDS * 1000);
  console.log(`CPU while ${running} containers sleep, % of one processor`);
  for (const [index, engine] of engines.entries()) {
    const used = cpuSecondsOf(processesOf(engine)) - before[index];
    console.log(`  ${engine.name.padEnd(8)} ${((used / IDLE_SECONDS) * 100).toFixed(2)}`);
  }
}

async function reportRestart(engine, running) {
  const started = performance.now();
  await engine.restart();
  const elapsed = performance.now() - started;
  const { ContainersRunning: left } = await engine.client.request('GET', '/info');
  console.log(`restart of the engine with ${running} running: ${elapsed.toFixed(0)} ms, ${left} run on`);
}

async function createOne({ client }, Cmd, network) {
  const { Id } = await client.request('POST', '/containers/create', {
    Image: 'busybox:latest',
    Cmd,
    HostConfig: { NetworkMode: network },
  });
  return Id;
}

async function throughApi(engine, network) {
  const { client } = engine;
  const id = await createOne(engine, ['true'], network);
  const waited = client.request('POST', `/containers/${id}/wait?condition=next-exit`);
  await client.request('POST', `/containers/${id}/start`);
  const { StatusCode } = await waited;
  if (StatusCode !== 0) throw new Error(`exit code ${StatusCode}`);
  await client.request('DELETE', `/containers/${id}`);
}

async function startSleeper(engine, network = 'none') {
  const id = await createOne(engine, ['sleep', '3600'], network);
  await engine.client.request('POST', `/containers/${id}/start`);
  return id;
}

function removeByForce({ client }, id) {
  return client.request('DELETE', `/containers/${id}?force=1`);
}

async function execThroughApi({ client }, containerId) {
  const { Id } = await client.request('POST', `/containers/${containerId}/exec`, {
    Cmd: ['true'],
    AttachStdout: true,
  });
  // The hijacked stream's end is the exec's end.
  await client.request('POST', `/exec/${Id}/start`, { Detach: false, Tty: false });
  const { ExitCode } = await client.request('GET', `/exec/${Id}/json`);
  if (ExitCode !== 0) throw new Error(`exec: exit code ${ExitCode}`);
}

function throughCli([program, ...args], network) {
  const result = spawnSync(program, [...args, '--rm', '--network', network, 'busybox:latest', 'true']);
  if (result.status !== 0) throw new Error(`${program} run: ${String(result.stderr)}`);
}

/** undefined where podman is absent or cannot run here; the reason is printed. */
export function preparePodman(scratch, networks = NETWORKS) {
  if (!existsSync('/usr/bin/podman')) return undefined;
  const home = path.join(scratch, 'podman');
  mkdirSync(home);
  const command = ['podman', '--root', path.join(home, 'root'), '--runroot', path.join(home, 'run')];
  if (existsSync('/usr/bin/runc')) command.push('--runtime', 'runc');
  // podman asks for more open files than a container without CAP_SYS_RESOURCE may have.
  const run = [...command, 'run', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=4096:4096'];
  const loaded = spawnSync(command[0], [...command.slice(1), 'load', '-q', '-i', IMAGE_ARCHIVE]);
  try {
    if (loaded.status !== 0) throw new Error(String(loaded.stderr));
    for (const network of networks) throughCli(run, network);
  } catch (error) {
    console.log(`podman left out: ${error.message.trim()}`);
    return undefined;
  }
  const version = String(spawnSync('podman', ['--version']).stdout)
    .trim()
    .split(' ')
    .at(-1);
  return { name: 'podman', version, run, command };
}
