// Loading, saving, pushing, pulling and removing images: engines in turn, each on a fresh journalled ext4 of its own, beside what the
// machine takes to copy the same bytes and to create the same files.
//   npm run bench -- images [SHAPE,…] [ROUNDS]     shapes: busybox, debian, big, fanout
import { execFileSync, spawnSync } from 'node:child_process';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
} from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { makeShapes } from './image-shapes.mjs';
import { startDockerd, startGantry } from './peers.mjs';
import { hasRegistry, makeRegistryContent, REGISTRY, startRegistry } from './registry.mjs';

const SCRATCH = '/var/tmp';
const DISK_BYTES = 8 * 2 ** 30;
const MIB = 2 ** 20;

export async function run([namesText = 'busybox,debian,big,fanout', roundsText = '3']) {
  const shapes = await makeShapes(namesText.split(','));
  const rounds = Number(roundsText);
  const competitors = [{ name: 'gantry', measure: (disk, shape) => measureEngine(startGantry, disk, shape) }];
  if (existsSync('/usr/sbin/dockerd'))
    competitors.push({ name: 'dockerd', measure: (disk, shape) => measureEngine(startDockerd, disk, shape) });
  if (existsSync('/usr/bin/podman')) competitors.push({ name: 'podman', measure: measurePodman });
  for (const shape of shapes) {
    const { name, layers, bytes, entries } = shape;
    console.log(`${name}: ${layers} layers, ${Math.round(bytes / MIB)} MiB of tar, ${entries} entries`);
    const results = new Map();
    const registry = hasRegistry() ? await makeRegistryContent(SCRATCH, shape) : undefined;
    shape.registry = registry?.directory;
    for (let round = 0; round < rounds; round++) {
      add(results, 'limit', await onFreshDisk((disk) => measureLimit(disk, shape)));
      for (const { name: who, measure } of competitors)
        add(results, who, await onFreshDisk((disk) => measure(disk, shape)));
    }
    registry?.remove();
    print(
      results,
      competitors.map((competitor) => competitor.name),
    );
  }
}

/** `work` with the mount point of a new ext4 with a journal; everything is gone afterwards. */
async function onFreshDisk(work) {
  const directory = mkdtempSync(path.join(SCRATCH, 'gantry-bench-disk-'));
  const file = path.join(directory, 'image');
  const mountPoint = path.join(directory, 'mnt');
  mkdirSync(mountPoint);
  execFileSync('truncate', ['-s', String(DISK_BYTES), file]);
  execFileSync('mkfs.ext4', ['-q', '-E', 'lazy_itable_init=0,lazy_journal_init=0', file]);
  execFileSync('mount', ['-o', 'loop', file, mountPoint]);
  try {
    return await work(mountPoint);
  } finally {
    // podman leaves a bind mount of its overlay directory.
    execFileSync('umount', ['-R', mountPoint]);
    rmSync(directory, { recursive: true });
  }
}

/**
 * Reading the archive and writing it again, the same of what a registry has of it, which is what goes over the wire;
 * and what creating its files takes a plain unpacker.
 */
function measureLimit(disk, shape) {
  const copy = path.join(disk, 'copy');
  const load = timed(() => execFileSync('cp', ['--reflink=never', shape.file, copy]));
  const save = timed(() => execFileSync('sh', ['-c', 'cat "$0" >/dev/null', copy]));
  const extract = timed(() => {
    for (const [index, layer] of shape.layerFiles.entries()) {
      const place = path.join(disk, String(index));
      mkdirSync(place);
      spawnSync('tar', ['-C', place, '-xf', layer]);
    }
  });
  const remove = timed(() => rmSync(copy));
  if (!shape.registry) return { load, save, remove, extract };
  const transfer = timed(() => execFileSync('cp', ['-r', shape.registry, path.join(disk, 'registry')]));
  return { load, save, remove, extract, pull: transfer, push: transfer };
}

function timed(work) {
  const started = performance.now();
  work();
  return performance.now() - started;
}

async function measureEngine(start, disk, shape) {
  const engine = await start(disk);
  const memory = watchMemory(engine.pid);
  const cpu = () => cpuSeconds(engine.pid);
  try {
    const idle = memory.current();
    const cpuBefore = cpu();
    const load = await took(() => transfer(engine.socket, 'POST', '/images/load?quiet=1', shape.file));
    const loadCpu = cpu() - cpuBefore;
    const peak = memory.peak() - idle;
    const target = encodeURIComponent(shape.tag);
    const [save, saveCpu] = await tookWith(cpu, () =>
      transfer(engine.socket, 'GET', `/images/get?names=${target}`),
    );
    const pushed = shape.registry ? await measurePush(engine, disk, shape) : {};
    const [remove, removeCpu] = await tookWith(cpu, () =>
      transfer(engine.socket, 'DELETE', `/images/${shape.tag}`),
    );
    const pulled = shape.registry ? await measurePull(engine, shape) : {};
    return { load, save, remove, loadCpu: loadCpu * 1000, saveCpu, removeCpu, peak, ...pushed, ...pulled };
  } finally {
    memory.stop();
    await engine.stop();
  }
}

/** Into a registry that has nothing yet. */
async function measurePush(engine, disk, { tag, name }) {
  const repository = `${REGISTRY}/push/${name}`;
  const server = await startRegistry(path.join(disk, 'registry'), engine.pid);
  try {
    await transfer(engine.socket, 'POST', `/images/${tag}/tag?repo=${repository}&tag=1`);
    const cpuBefore = cpuSeconds(engine.pid);
    const push = await took(() => transfer(engine.socket, 'POST', `/images/${repository}/push?tag=1`));
    const pushCpu = (cpuSeconds(engine.pid) - cpuBefore) * 1000;
    await transfer(engine.socket, 'DELETE', `/images/${repository}:1`);
    return { push, pushCpu };
  } finally {
    await server.stop();
  }
}

/** Into a store that has nothing of it. */
async function measurePull(engine, { name, registry }) {
  const server = await startRegistry(registry, engine.pid);
  const memory = watchMemory(engine.pid);
  try {
    const idle = memory.current();
    const cpuBefore = cpuSeconds(engine.pid);
    const source = `${REGISTRY}/source/${name}`;
    const pull = await took(() =>
      transfer(engine.socket, 'POST', `/images/create?fromImage=${encodeURIComponent(source)}&tag=1`),
    );
    return { pull, pullCpu: (cpuSeconds(engine.pid) - cpuBefore) * 1000, pullPeak: memory.peak() - idle };
  } finally {
    memory.stop();
    await server.stop();
  }
}

async function took(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/** The time by the clock and by the processor, milliseconds. */
async function tookWith(cpu, work) {
  const before = cpu();
  const clock = await took(work);
  return [clock, (cpu() - before) * 1000];
}

/** One request; a file goes with it, and the answer is read to its end. */
function transfer(socketPath, method, target, file) {
  return new Promise((resolve, reject) => {
    // dockerd 20.10 pushes for nobody who says nothing of an account.
    const headers = { 'X-Registry-Auth': 'e30=' };
    const outgoing = http.request({ socketPath, method, path: target, headers }, (response) => {
      let tail = '';
      response.on('data', (chunk) => {
        if (chunk.length < 4096) tail = chunk.toString();
      });
      response.on('error', reject);
      response.on('end', () => {
        if (response.statusCode >= 400 || tail.includes('errorDetail'))
          reject(new Error(`${method} ${target}: ${response.statusCode} ${tail}`));
        else resolve();
      });
    });
    outgoing.on('error', reject);
    if (file === undefined) outgoing.end();
    else createReadStream(file, { highWaterMark: MIB }).pipe(outgoing);
  });
}

async function measurePodman(disk, shape) {
  const flags = ['--root', path.join(disk, 'root'), '--runroot', path.join(disk, 'run')];
  const podman = (...args) =>
    execFileSync('podman', [...flags, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
  const load = timed(() => podman('load', '-q', '-i', shape.file));
  const save = timed(() => podman('save', '-q', '-o', path.join(disk, 'saved'), shape.tag));
  const results = { load, save };
  if (shape.registry) {
    const insecure = ['-q', '--tls-verify=false'];
    const target = `docker://${REGISTRY}/push/${shape.name}:1`;
    const empty = await startRegistry(path.join(disk, 'registry'), process.pid);
    results.push = timed(() => podman('push', ...insecure, shape.tag, target));
    await empty.stop();
    results.remove = timed(() => podman('rmi', '-f', shape.tag));
    const full = await startRegistry(shape.registry, process.pid);
    results.pull = timed(() => podman('pull', ...insecure, `${REGISTRY}/source/${shape.name}:1`));
    await full.stop();
  }
  results.remove ??= timed(() => podman('rmi', '-f', shape.tag));
  return results;
}

/** The process and everything below it. */
function processTree(pid) {
  const parents = new Map();
  for (const name of readdirSync('/proc')) {
    const stat = /^\d+$/.test(name) ? readText(`/proc/${name}/stat`) : '';
    if (stat !== '') parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
  }
  const isBelow = (child) => child === pid || (parents.has(child) && isBelow(parents.get(child)));
  return [...parents.keys()].filter(isBelow);
}

/** Proportional set size of the whole tree, MiB: what it alone keeps in memory. */
function watchMemory(pid) {
  const read = () =>
    processTree(pid).reduce((sum, child) => {
      const pss = /^Pss:\s+(\d+)/m.exec(readText(`/proc/${child}/smaps_rollup`))?.[1] ?? '0';
      return sum + Number(pss) / 1024;
    }, 0);
  let peak = 0;
  const timer = setInterval(() => (peak = Math.max(peak, read())), 100);
  return { current: read, peak: () => Math.max(peak, read()), stop: () => clearInterval(timer) };
}

/** User and system time of the tree, of children that ended included. */
function cpuSeconds(pid) {
  const ticks = processTree(pid).reduce((sum, child) => {
    const stat = readText(`/proc/${child}/stat`);
    const fields = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    return sum + (fields[11] ?? 0) + (fields[12] ?? 0) + (fields[13] ?? 0) + (fields[14] ?? 0);
  }, 0);
  return ticks / 100;
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function add(results, who, values) {
  for (const [work, value] of Object.entries(values)) {
    const key = `${work} ${who}`;
    results.set(key, [...(results.get(key) ?? []), value]);
  }
}

function print(results, names) {
  const median = (work, who) => {
    const values = (results.get(`${work} ${who}`) ?? []).toSorted((a, b) => a - b);
    return values[Math.floor(values.length / 2)];
  };
  for (const work of ['load', 'save', 'push', 'pull', 'remove']) {
    if (median(work, 'gantry') === undefined) continue;
    const ours = median(work, 'gantry');
    const cells = ['limit', ...names].map((who) => {
      const value = median(work, who);
      if (value === undefined) return '';
      const ratio = who === 'limit' || who === 'gantry' ? '' : ` (${(value / ours).toFixed(1)} × ours)`;
      return `${who} ${(value / 1000).toFixed(value < 100 ? 3 : 2)} s${ratio}`;
    });
    console.log(`  ${work.padEnd(7)} ${cells.filter(Boolean).join('   ')}`);
  }
  for (const [work, cpuOf, peakOf] of [
    ['load', 'loadCpu', 'peak'],
    ['save', 'saveCpu', undefined],
    ['push', 'pushCpu', undefined],
    ['pull', 'pullCpu', 'pullPeak'],
    ['remove', 'removeCpu', undefined],
  ]) {
    const extras = names.map((who) => {
      const cpu = median(cpuOf, who);
      const peak = peakOf && median(peakOf, who);
      const memory = peak === undefined ? '' : `+${Math.round(peak)} MiB, `;
      return cpu === undefined ? '' : `${who} ${memory}${(cpu / 1000).toFixed(2)} CPU-s`;
    });
    console.log(`  ${work.padEnd(7)} peak memory and CPU: ${extras.filter(Boolean).join('   ')}`);
  }
  console.log(`  files   created by tar: ${(median('extract', 'limit') / 1000).toFixed(2)} s\n`);
}
