// create + start + wait + remove of a static `true`, by the API and by `docker run --rm`, and exec: engines in turn.
//   npm run bench -- start [ROUNDS]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { loadImage } from './engine-api.mjs';
import { makeScratch, startDockerd, startGantry } from './peers.mjs';

const IMAGE_ARCHIVE = 'build/starter/busybox.tar';
const NETWORKS = ['bridge', 'none', 'host'];

export async function run([roundsText = '20']) {
  const rounds = Number(roundsText);
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
    for (const network of NETWORKS) await compareApi(engines, network, rounds);
    for (const network of NETWORKS) await compareCli(engines, podman, network, rounds);
    await compareExec(engines, rounds);
    console.log(`gantry engine, resident: ${residentMiB(engines[0].pid)} MiB`);
  } finally {
    for (const engine of engines) await engine.stop();
    // podman leaves its bind mount of the overlay directory.
    spawnSync('umount', [path.join(scratch, 'podman/root/overlay')]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function compareApi(engines, network, rounds) {
  const competitors = engines.map((engine) => ({
    name: engine.name,
    work: () => throughApi(engine, network),
  }));
  await compare(`API create+start+wait+remove, ${network}`, rounds, competitors);
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
  const competitors = [];
  const sleepers = [];
  for (const engine of engines) {
    const id = await startSleeper(engine);
    sleepers.push(() => engine.client.request('DELETE', `/containers/${id}?force=1`));
    competitors.push({ name: engine.name, work: () => execThroughApi(engine, id) });
  }
  await compare('exec true by the API', rounds, competitors);
  for (const remove of sleepers) await remove();
}

async function throughApi({ client }, network) {
  const { Id } = await client.request('POST', '/containers/create', {
    Image: 'busybox:latest',
    Cmd: ['true'],
    HostConfig: { NetworkMode: network },
  });
  const waited = client.request('POST', `/containers/${Id}/wait?condition=next-exit`);
  await client.request('POST', `/containers/${Id}/start`);
  const { StatusCode } = await waited;
  if (StatusCode !== 0) throw new Error(`exit code ${StatusCode}`);
  await client.request('DELETE', `/containers/${Id}`);
}

async function startSleeper({ client }) {
  const { Id } = await client.request('POST', '/containers/create', {
    Image: 'busybox:latest',
    Cmd: ['sleep', '3600'],
    HostConfig: { NetworkMode: 'none' },
  });
  await client.request('POST', `/containers/${Id}/start`);
  return Id;
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
function preparePodman(scratch) {
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
    for (const network of NETWORKS) throughCli(run, network);
  } catch (error) {
    console.log(`podman left out: ${error.message.trim()}`);
    return undefined;
  }
  const version = String(spawnSync('podman', ['--version']).stdout)
    .trim()
    .split(' ')
    .at(-1);
  return { name: 'podman', version, run };
}

/** One warm-up of each, then rounds in turn; the first competitor is ours. */
async function compare(title, rounds, competitors) {
  const times = competitors.map(() => []);
  for (let round = -1; round < rounds; round++) {
    for (const [index, { work }] of competitors.entries()) {
      const started = performance.now();
      await work();
      if (round >= 0) times[index].push(performance.now() - started);
    }
  }
  console.log(title);
  for (const [index, { name }] of competitors.entries()) {
    const ratio = index === 0 ? '' : `   ${(median(times[index]) / median(times[0])).toFixed(1)} × ours`;
    console.log(
      `  ${name.padEnd(8)} ${quantile(times[index], 0.1).toFixed(1)} / ${median(times[index]).toFixed(1)}${ratio}`,
    );
  }
}

function median(list) {
  return quantile(list, 0.5);
}

function quantile(list, fraction) {
  const sorted = [...list].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * fraction))];
}

function residentMiB(pid) {
  const result = spawnSync('ps', ['-o', 'rss=', '-p', String(pid)]);
  return (Number(String(result.stdout).trim()) / 1024).toFixed(1);
}
