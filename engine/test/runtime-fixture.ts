import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, rmdir, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { errnoOf } from '../lib/errors.ts';
import { createLogger } from '../lib/logger.ts';
import type { ContainerPlan, ExecPlan, ProcessPlan } from '../runtime/plan.ts';
import type { Runtime, StdioStream } from '../runtime/runtime.ts';
import { createRuntime } from '../runtime/shim-runtime.ts';
import { framesOf } from './frames.ts';

const CGROUP_ROOT = '/sys/fs/cgroup';
const IS_V2 = existsSync(path.join(CGROUP_ROOT, 'cgroup.controllers'));
/** Of a v1 or hybrid host; `unified` is a hybrid's v2 tree, which has cgroup.kill. */
const CONTROLLERS = ['pids', 'memory', 'freezer', 'unified'].filter((name) =>
  existsSync(path.join(CGROUP_ROOT, name)),
);
const HIERARCHIES = IS_V2 ? [CGROUP_ROOT] : CONTROLLERS.map((name) => path.join(CGROUP_ROOT, name));
const ALL_CAPABILITIES = (1n << 41n) - 1n;
/** Docker's default fourteen. */
export const DEFAULT_CAPABILITIES = 0xa80425fbn;

/** A run root, a busybox rootfs and the built binary: what a test of the runtime alone needs. */
export interface RuntimeFixture {
  directory: string;
  runtime: Runtime;
  newRuntime(): Runtime;
  plan(argv: string[], change?: PlanChange): Promise<ContainerPlan>;
  dispose(): Promise<void>;
}

export type PlanChange = Partial<Omit<ContainerPlan, 'process'>> & { process?: Partial<ProcessPlan> };

/** `depth` lengthens the run root's path, to go past what a socket address holds. */
export async function createRuntimeFixture(depth = 0): Promise<RuntimeFixture> {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-runtime-'));
  const runRoot = path.join(directory, ...Array.from({ length: depth }, () => 'd'.repeat(40)), 'run');
  const rootfs = path.join(directory, 'rootfs');
  await makeRootfs(rootfs);
  const parent = `gantry-runtime-test-${randomBytes(4).toString('hex')}`;
  const newRuntime = (): Runtime =>
    createRuntime({
      binary: path.resolve('build/native/gantry-shim'),
      runRoot,
      logger: createLogger('error'),
    });
  const runtime = newRuntime();
  await runtime.start();

  async function plan(argv: string[], change: PlanChange = {}): Promise<ContainerPlan> {
    const id = randomBytes(32).toString('hex');
    const data = path.join(directory, 'data', id);
    for (const name of ['upper', 'work']) await mkdir(path.join(data, name), { recursive: true });
    return {
      id,
      runDirectory: path.join(runRoot, 'containers', id),
      hostname: id.slice(0, 12),
      domainname: '',
      namespaces: {
        pid: { kind: 'new' },
        network: { kind: 'new' },
        ipc: { kind: 'new' },
        uts: { kind: 'new' },
        cgroup: { kind: 'new' },
      },
      cgroup: cgroupPlan(parent, id),
      rootfs: {
        lower: [rootfs],
        upper: path.join(data, 'upper'),
        work: path.join(data, 'work'),
        volatile: true,
        readonly: false,
      },
      mounts: DEFAULT_MOUNTS,
      devices: [
        { path: '/dev/null', type: 'c', major: 1, minor: 3, mode: 0o666, uid: 0, gid: 0 },
        { path: '/dev/zero', type: 'c', major: 1, minor: 5, mode: 0o666, uid: 0, gid: 0 },
        { path: '/dev/tty', type: 'c', major: 5, minor: 0, mode: 0o666, uid: 0, gid: 0 },
      ],
      maskedPaths: ['/proc/kcore', '/proc/keys', '/sys/firmware', '/proc/acpi', '/proc/scsi'],
      readonlyPaths: ['/proc/sys', '/proc/bus', '/proc/irq'],
      sysctls: [],
      interfaces: [],
      resolver: null,
      init: false,
      log: {
        format: 'json',
        path: path.join(data, `${id}-json.log`),
        maxBytes: 0,
        maxFiles: 1,
        attributes: '',
        compress: false,
        hold: false,
      },
      external: null,
      oci: null,
      user: null,
      ...change,
      process: processPlan(argv, change.process),
    };
  }

  return {
    directory,
    runtime,
    newRuntime,
    plan,
    async dispose() {
      await runtime.close();
      await rm(directory, { recursive: true, force: true });
      // cleanUp() may have been the last to use them.
      for (const hierarchy of HIERARCHIES)
        await rmdir(path.join(hierarchy, parent)).catch((error: unknown) => {
          if (errnoOf(error) !== 'ENOENT') throw error;
        });
    },
  };
}

async function makeRootfs(rootfs: string): Promise<void> {
  for (const name of ['bin', 'etc', 'tmp', 'proc', 'sys', 'dev'])
    await mkdir(path.join(rootfs, name), { recursive: true });
  await cp('/bin/busybox', path.join(rootfs, 'bin/busybox'));
  await chmod(path.join(rootfs, 'bin/busybox'), 0o755);
  const applets =
    'sh cat echo true false sleep id ls mount hostname stty tty ip kill env pwd head dd wc touch seq ps ping setsid';
  for (const applet of applets.split(' ')) await symlink('busybox', path.join(rootfs, 'bin', applet));
  await chmod(path.join(rootfs, 'tmp'), 0o1777);
  await writeFile(
    path.join(rootfs, 'etc/passwd'),
    'root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1001::/home/alice:/bin/sh\n',
  );
  await writeFile(path.join(rootfs, 'etc/group'), 'root:x:0:\nstaff:x:50:alice\nalice:x:1001:\n');
  await writeFile(path.join(rootfs, 'etc/not-executable'), 'text\n');
}

const DEFAULT_MOUNTS: ContainerPlan['mounts'] = [
  { kind: 'filesystem', type: 'proc', target: '/proc', flags: ['nosuid', 'noexec', 'nodev'], data: '' },
  {
    kind: 'filesystem',
    type: 'tmpfs',
    target: '/dev',
    flags: ['nosuid', 'strictatime'],
    data: 'mode=755,size=65536k',
  },
  {
    kind: 'filesystem',
    type: 'devpts',
    target: '/dev/pts',
    flags: ['nosuid', 'noexec'],
    data: 'newinstance,ptmxmode=0666,mode=0620,gid=5',
  },
  { kind: 'filesystem', type: 'sysfs', target: '/sys', flags: ['nosuid', 'noexec', 'nodev', 'ro'], data: '' },
  {
    kind: 'filesystem',
    type: 'mqueue',
    target: '/dev/mqueue',
    flags: ['nosuid', 'noexec', 'nodev'],
    data: '',
  },
  {
    kind: 'filesystem',
    type: 'tmpfs',
    target: '/dev/shm',
    flags: ['nosuid', 'noexec', 'nodev'],
    data: 'mode=1777,size=65536k',
  },
];

function cgroupPlan(parent: string, id: string): ContainerPlan['cgroup'] {
  const own = (hierarchy: string): string => `${hierarchy}/${parent}/${id}`;
  const unified = IS_V2
    ? CGROUP_ROOT
    : CONTROLLERS.includes('unified')
      ? `${CGROUP_ROOT}/unified`
      : undefined;
  const memory = IS_V2 ? CGROUP_ROOT : `${CGROUP_ROOT}/memory`;
  return {
    directories: HIERARCHIES.flatMap((hierarchy) => [`${hierarchy}/${parent}`, own(hierarchy)]),
    // On v2 the parent would have to hand the controller down first.
    writes: IS_V2 ? [] : [{ file: `${own(`${CGROUP_ROOT}/pids`)}/pids.max`, value: '100' }],
    join: HIERARCHIES.map((hierarchy) => `${own(hierarchy)}/cgroup.procs`),
    killFile: unified === undefined ? '' : `${own(unified)}/cgroup.kill`,
    deviceProgram: null,
    oomFile: `${own(memory)}/${IS_V2 ? 'memory.events' : 'memory.oom_control'}`,
  };
}

function processPlan(argv: string[], change: Partial<ProcessPlan> = {}): ProcessPlan {
  return {
    argv,
    env: ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'TERM=xterm'],
    cwd: '/',
    user: '',
    additionalGroups: [],
    capabilities: {
      bounding: DEFAULT_CAPABILITIES & ALL_CAPABILITIES,
      effective: DEFAULT_CAPABILITIES,
      permitted: DEFAULT_CAPABILITIES,
      ambient: 0n,
    },
    noNewPrivileges: false,
    apparmor: '',
    seccomp: new Uint8Array(),
    rlimits: [],
    oomScoreAdj: null,
    tty: false,
    rows: 0,
    columns: 0,
    openStdin: false,
    stdinOnce: false,
    ...change,
  };
}

export function execPlan(argv: string[], change: Partial<ProcessPlan> = {}): ExecPlan {
  return { id: randomBytes(32).toString('hex'), process: processPlan(argv, change), document: null };
}

/** What arrived on each stream; rejects a frame that does not end. */
export async function readFrames(stream: Readable): Promise<{ stdout: string; stderr: string }> {
  const text = { stdout: '', stderr: '' };
  for (const frame of framesOf(await readAll(stream))) {
    text[frame.stream === 2 ? 'stderr' : 'stdout'] += frame.text;
  }
  return text;
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Reads until the text appears; rejects when the stream ends before. */
export async function readUntil(stream: StdioStream, wanted: string): Promise<string> {
  let text = '';
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
      if (!text.includes(wanted)) return;
      stream.pause();
      stream.off('data', onData);
      stream.off('end', onEnd);
      resolve(text);
    };
    const onEnd = (): void => reject(new Error(`stream ended after ${JSON.stringify(text)}`));
    stream.on('data', onData);
    stream.on('end', onEnd);
  });
}

/** What the json-file log of a plan holds, parsed. */
export async function readLog(plan: ContainerPlan): Promise<{ log: string; stream: string; time: string }[]> {
  if (plan.log.format === 'none') return [];
  const text = await readFile(plan.log.path, 'utf8');
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { log: string; stream: string; time: string });
}
