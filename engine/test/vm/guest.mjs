// Runs inside the virtual machine: starts the engine, asks it things, prints `RESULT {json}` on the console.
import { spawn } from 'node:child_process';
import { readFileSync, existsSync } from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const SOCKET = '/run/gantry/gantry.sock';
const MB = 1024 * 1024;

function call(method, path, body) {
  const payload = body === undefined ? '' : JSON.stringify(body);
  const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
  return new Promise((resolve, reject) => {
    const request = http.request({ socketPath: SOCKET, method, path, headers }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, data: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end(payload);
  });
}

async function json(method, path, body) {
  const { status, data } = await call(method, path, body);
  const text = data.toString();
  if (status >= 400) throw new Error(`${method} ${path}: ${status} ${text}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function startEngine() {
  const argv = ['/gantry/build/engine/engine.mjs', '--starter-image', '/gantry/build/starter/busybox.tar'];
  const engine = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of engine.stdout) if (String(line).includes('listening on')) return engine;
  throw new Error('the engine did not start');
}

async function run(script, hostConfig, name) {
  const body = {
    Image: 'busybox',
    Cmd: ['sh', '-c', script],
    HostConfig: { NetworkMode: 'none', ...hostConfig },
  };
  const { Id, Warnings } = await json('POST', `/containers/create?name=${name}`, body);
  await json('POST', `/containers/${Id}/start`);
  return { id: Id, warnings: Warnings };
}

/** Output of a container that ends by itself, and its state. */
async function finish(id) {
  await json('POST', `/containers/${id}/wait`);
  const { data } = await call('GET', `/containers/${id}/logs?stdout=1&stderr=1`);
  let output = '';
  for (let at = 0; at + 8 <= data.length;) {
    const length = data.readUInt32BE(at + 4);
    output += data.toString('utf8', at + 8, at + 8 + length);
    at += 8 + length;
  }
  return { output, state: (await json('GET', `/containers/${id}/json`)).State };
}

const cgroup = (id, file) => readFileSync(`/sys/fs/cgroup/gantry/${id}/${file}`, 'latin1').trim();

async function limits() {
  const hostConfig = {
    Memory: 64 * MB,
    MemorySwap: 96 * MB,
    NanoCpus: 5e8,
    CpuShares: 512,
    PidsLimit: 50,
    CpusetCpus: '0',
  };
  const { id, warnings } = await run('while :; do :; done', hostConfig, 'limits');
  const files = ['memory.max', 'memory.swap.max', 'cpu.max', 'cpu.weight', 'pids.max', 'cpuset.cpus'];
  const values = Object.fromEntries(files.map((file) => [file, cgroup(id, file)]));
  const { memory_stats, cpu_stats, pids_stats } = await json('GET', `/containers/${id}/stats?stream=0`);
  await json('POST', `/containers/${id}/pause`);
  const paused = cgroup(id, 'cgroup.events');
  await json('POST', `/containers/${id}/unpause`);
  const thawed = cgroup(id, 'cgroup.events');
  const top = await json('GET', `/containers/${id}/top`);
  await json('POST', `/containers/${id}/kill`);
  await json('POST', `/containers/${id}/wait`);
  await json('DELETE', `/containers/${id}`);
  return { warnings, values, memory_stats, cpu_stats, pids_stats, paused, thawed, top };
}

async function inside() {
  const script = `cat /proc/self/cgroup; grep cgroup /proc/mounts; cat /sys/fs/cgroup/memory.max
mknod /tmp/kmsg c 1 11 && echo made; head -c 1 /tmp/kmsg || echo refused
head -c 1 /dev/zero | wc -c; mkdir /sys/fs/cgroup/x || echo readonly`;
  return finish((await run(script, { Memory: 32 * MB }, 'inside')).id);
}

async function outOfMemory() {
  const { id } = await run('tail /dev/zero', { Memory: 16 * MB, MemorySwap: 16 * MB }, 'oom');
  return { ...(await finish(id)), isCgroupLeft: existsSync(`/sys/fs/cgroup/gantry/${id}`) };
}

const engine = await startEngine();
for (const [name, part] of Object.entries({
  info: () => json('GET', '/info'),
  limits,
  inside,
  outOfMemory,
})) {
  try {
    console.log(`RESULT ${JSON.stringify({ name, value: await part() })}`);
  } catch (error) {
    console.log(`RESULT ${JSON.stringify({ name, error: String(error) })}`);
  }
}
engine.kill('SIGTERM');
await Promise.race([once(engine, 'exit'), delay(20_000)]);
