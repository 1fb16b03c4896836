// Lines of log: written by a container, read back by the API; engines and drivers in turn.
//   npm run bench -- logs [MIB] [ROUNDS]
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { loadImage } from './engine-api.mjs';
import { makeScratch, startDockerd, startGantry } from './peers.mjs';

const IMAGE_ARCHIVE = 'build/starter/busybox.tar';
const MIB = 1024 * 1024;
/** Of the file that the container writes again and again. */
const PIECE_MIB = 16;
const LINE_BYTES = 100;
const CLOCK_TICKS_PER_SECOND = 100;
const DRIVERS = ['json-file', 'local', 'none'];

export async function run([mibText = '256', roundsText = '2']) {
  const pieces = Math.max(1, Math.round(Number(mibText) / PIECE_MIB));
  const rounds = Number(roundsText);
  const scratch = makeScratch();
  const engines = [];
  try {
    engines.push(await startGantry(scratch));
    const dockerd = await startDockerd(scratch);
    if (dockerd) engines.push(dockerd);
    for (const engine of engines) await loadImage(engine.socket, IMAGE_ARCHIVE);
    const directory = writeLines(scratch);
    const names = engines.map(({ name, version }) => `${name} ${version}`);
    const size = `${pieces * PIECE_MIB} MiB in lines of ${LINE_BYTES} bytes`;
    console.log(`${names.join(', ')}; ${size}; ${rounds} rounds in turn; medians\n`);
    const results = new Map();
    for (let round = 0; round < rounds; round++) {
      for (const driver of DRIVERS) {
        for (const engine of engines) {
          const measured = await measure(engine, driver, directory, pieces);
          for (const [work, values] of Object.entries(measured))
            add(results, driver, work, engine.name, values);
        }
      }
    }
    for (const driver of DRIVERS) {
      for (const work of ['write', 'read']) print(results, driver, work, engines, pieces * PIECE_MIB);
    }
    printDefault(results, engines);
  } finally {
    for (const engine of engines) await engine.stop();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The file that is mounted into the containers, `lines`, in a directory of its own. */
function writeLines(scratch) {
  const directory = path.join(scratch, 'lines');
  mkdirSync(directory);
  let text = '';
  for (let number = 0; text.length < PIECE_MIB * MIB; number++) {
    const start = `${String(number).padStart(8, '0')} GET /api/items/${number % 977} 200 took ${number % 89} ms agent=`;
    text += `${start.padEnd(LINE_BYTES - 1, 'x')}\n`;
  }
  writeFileSync(path.join(directory, 'lines'), text.slice(0, PIECE_MIB * MIB));
  return directory;
}

async function measure({ client, socket, pid }, driver, directory, pieces) {
  const script = `i=0; while [ $i -lt ${pieces} ]; do i=$((i+1)); cat /lines/lines; done`;
  const { Id } = await client.request('POST', '/containers/create', {
    Image: 'busybox:latest',
    Cmd: ['sh', '-c', script],
    HostConfig: {
      NetworkMode: 'none',
      Binds: [`${directory}:/lines:ro`],
      LogConfig: { Type: driver, Config: driver === 'local' ? { 'max-size': '100g' } : {} },
    },
  });
  const exited = client.request('POST', `/containers/${Id}/wait?condition=next-exit`);
  const write = await timed(pid, async () => {
    await client.request('POST', `/containers/${Id}/start`);
    await exited;
  });
  const measured = { write };
  if (driver !== 'none') {
    let bytes = 0;
    measured.read = await timed(pid, async () => {
      bytes = await readAll(socket, `/containers/${Id}/logs?stdout=1`);
    });
    const least = pieces * PIECE_MIB * MIB;
    if (bytes < least) throw new Error(`${driver}: ${bytes} bytes were read back of ${least}`);
  }
  await client.request('DELETE', `/containers/${Id}`);
  return measured;
}

/** Wall time, and the CPU time of the engine's own process and of this client, in seconds. */
async function timed(pid, work) {
  const engineBefore = cpuSeconds(pid);
  const clientBefore = process.cpuUsage();
  const started = performance.now();
  await work();
  const wall = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(clientBefore);
  return { wall, engine: cpuSeconds(pid) - engineBefore, client: (user + system) / 1e6 };
}

function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND;
}

function readAll(socketPath, target) {
  return new Promise((resolve, reject) => {
    http
      .get({ socketPath, path: target }, (response) => {
        let bytes = 0;
        response.on('data', (chunk) => (bytes += chunk.length));
        response.on('end', () => resolve(bytes));
        response.on('error', reject);
      })
      .on('error', reject);
  });
}

function add(results, driver, work, engine, values) {
  const key = `${driver} ${work} ${engine}`;
  results.set(key, [...(results.get(key) ?? []), values]);
}

function print(results, driver, work, engines, mib) {
  if (!results.has(`${driver} ${work} ${engines[0].name}`)) return;
  console.log(`${work}, ${driver}`);
  const ours = median(results, driver, work, engines[0].name, 'wall');
  for (const { name } of engines) {
    const [wall, engine, client] = ['wall', 'engine', 'client'].map((of) =>
      median(results, driver, work, name, of),
    );
    const ratio = name === engines[0].name ? '' : `   ${(wall / ours).toFixed(1)} × ours`;
    const speed = `${(mib / wall).toFixed(0)} MiB/s`.padStart(11);
    const cpu = `engine CPU ${engine.toFixed(2)} s, client CPU ${client.toFixed(2)} s`;
    console.log(`  ${name.padEnd(8)} ${wall.toFixed(2).padStart(7)} s ${speed}   ${cpu}${ratio}`);
  }
}

/** What the targets of BENCH.md compare with: our default driver. */
function printDefault(results, engines) {
  if (engines.length < 2) return;
  const ours = median(results, 'json-file', 'write', engines[0].name, 'wall');
  const local = median(results, 'local', 'write', engines[1].name, 'wall');
  console.log(`\nwrite: ${engines[1].name}'s local takes ${(local / ours).toFixed(1)} × our json-file`);
}

function median(results, driver, work, engine, of) {
  const sorted = results
    .get(`${driver} ${work} ${engine}`)
    .map((values) => values[of])
    .sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
