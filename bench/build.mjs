// Builds through the classic API by the docker CLI, and buildah: cold, cached, one file changed; engines in turn.
//   npm run bench -- build [ROUNDS]
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compare } from './compare.mjs';
import { loadImage } from './engine-api.mjs';
import { makeScratch, startDockerd, startGantry } from './peers.mjs';

const IMAGE_ARCHIVE = 'build/starter/busybox.tar';
const STEPS = 20;
const SOURCE_FILES = 2000;
const BLOB_MIB = 30;
const IGNORED_MIB = 1024;

export async function run([roundsText = '5']) {
  const rounds = Number(roundsText);
  const scratch = makeScratch();
  const engines = [];
  try {
    engines.push(await startGantry(scratch));
    const dockerd = await startDockerd(scratch);
    if (dockerd) engines.push(dockerd);
    for (const engine of engines) await loadImage(engine.socket, IMAGE_ARCHIVE);
    const builders = engines.map(({ name, socket, version }) => ({
      name,
      version,
      build: buildByDocker(socket),
    }));
    const buildah = prepareBuildah(scratch);
    if (buildah) builders.push(buildah);
    console.log(
      `${builders.map(({ name, version }) => `${name} ${version}`).join(', ')}; ${rounds} rounds in turn; ms, p10 / median\n`,
    );
    for (const [title, dockerfile] of trivialFiles()) {
      const context = makeContext(scratch, title, dockerfile);
      for (let i = 0; i < STEPS; i++) writeFileSync(path.join(context, `f${i}`), `${i}\n`);
      await compareColdAndCached(`${STEPS} × ${title}`, rounds, builders, context);
    }
    await compareApp(scratch, rounds, builders);
    await compareStages(scratch, rounds, builders);
    await compareIgnored(scratch, rounds, builders);
  } finally {
    for (const engine of engines) await engine.stop();
    // buildah leaves its bind mount of the overlay directory, and after a failure its containers' roots in it.
    spawnSync('umount', ['--recursive', path.join(scratch, 'buildah/root/overlay')]);
    rmSync(scratch, { recursive: true, force: true });
  }
}

function trivialFiles() {
  const repeat = (line) =>
    `FROM busybox:latest\n${Array.from({ length: STEPS }, (_, i) => line(i)).join('\n')}\n`;
  return [
    ['RUN true', repeat(() => 'RUN true')],
    ['COPY of a small file', repeat((i) => `COPY f${i} /f${i}`)],
    ['ENV', repeat((i) => `ENV A${i}=${i}`)],
  ];
}

async function compareColdAndCached(title, rounds, builders, context) {
  const each = (options) =>
    builders.map(({ name, build }) => ({ name, work: () => build(context, options) }));
  await compare(`${title}, cold`, rounds, each({ cold: true }));
  for (const { build } of builders) build(context, {});
  await compare(`${title}, cached`, rounds, each({}));
}

/** An install that depends on one file, then all the sources: what most applications look like. */
async function compareApp(scratch, rounds, builders) {
  const context = makeContext(
    scratch,
    'app',
    'FROM busybox:latest\nWORKDIR /app\nCOPY Gemfile* ./\nRUN mkdir gems && for i in $(seq 500); do cat Gemfile > gems/$i; done\nCOPY . .\nRUN ls -R | wc -l\nCMD ["true"]\n',
  );
  writeFileSync(path.join(context, 'Gemfile'), 'gem "x"\n');
  mkdirSync(path.join(context, 'src'));
  for (let i = 0; i < SOURCE_FILES; i++)
    writeFileSync(path.join(context, 'src', `${i}.rb`), `puts ${i}\n`.repeat(20));
  execFileSync('dd', [
    'if=/dev/urandom',
    `of=${path.join(context, 'blob')}`,
    'bs=1M',
    `count=${BLOB_MIB}`,
    'status=none',
  ]);
  await compareColdAndCached(`app of ${SOURCE_FILES} files and ${BLOB_MIB} MiB`, rounds, builders, context);
  await compareChanged(
    'app, one source file changed',
    rounds,
    builders,
    context,
    path.join(context, 'src/7.rb'),
  );
}

async function compareStages(scratch, rounds, builders) {
  const context = makeContext(
    scratch,
    'stages',
    'FROM busybox:latest AS compile\nCOPY source /\nRUN mkdir /out && for i in $(seq 300); do cp /source /out/$i; done\nFROM busybox:latest AS assets\nRUN mkdir /assets && for i in $(seq 300); do echo $i > /assets/$i; done\nFROM busybox:latest\nCOPY --from=compile /out /out\nCOPY --from=assets /assets /assets\nCMD ["true"]\n',
  );
  writeFileSync(path.join(context, 'source'), 'x'.repeat(1000));
  await compareColdAndCached('multi-stage', rounds, builders, context);
  await compareChanged(
    'multi-stage, source changed',
    rounds,
    builders,
    context,
    path.join(context, 'source'),
  );
}

/** A large directory that .dockerignore leaves out must cost nothing. */
async function compareIgnored(scratch, rounds, builders) {
  const context = makeContext(scratch, 'ignored', 'FROM busybox:latest\nCOPY . /all\n');
  writeFileSync(path.join(context, '.dockerignore'), 'large\n');
  mkdirSync(path.join(context, 'large'));
  execFileSync('dd', [
    'if=/dev/zero',
    `of=${path.join(context, 'large/file')}`,
    'bs=1M',
    `count=${IGNORED_MIB}`,
    'status=none',
  ]);
  await compareColdAndCached(
    `context of ${IGNORED_MIB} MiB, ignored but for two files`,
    rounds,
    builders,
    context,
  );
}

async function compareChanged(title, rounds, builders, context, file) {
  let change = 0;
  const work = (build) => () => {
    change += 1;
    writeFileSync(file, `changed ${change} ${process.pid}\n`);
    const started = performance.now();
    build(context, {});
    return performance.now() - started;
  };
  await compare(
    title,
    rounds,
    builders.map(({ name, build }) => ({ name, work: work(build) })),
  );
}

function makeContext(scratch, name, dockerfile) {
  const context = path.join(scratch, `context ${name}`.replaceAll(' ', '-'));
  mkdirSync(context);
  writeFileSync(path.join(context, 'Dockerfile'), dockerfile);
  return context;
}

function buildByDocker(socket) {
  const env = { ...process.env, DOCKER_BUILDKIT: '0' };
  return (context, { cold = false }) => {
    const args = [
      '-H',
      `unix://${socket}`,
      'build',
      '-q',
      ...(cold ? ['--no-cache'] : []),
      '-t',
      'bench',
      context,
    ];
    const { status, stderr } = spawnSync('docker', args, { env });
    if (status !== 0) throw new Error(`docker build: ${String(stderr)}`);
  };
}

/** undefined where buildah is absent or cannot run here; the reason is printed. */
function prepareBuildah(scratch) {
  if (!existsSync('/usr/bin/buildah')) return undefined;
  const home = path.join(scratch, 'buildah');
  const places = [
    '--root',
    path.join(home, 'root'),
    '--runroot',
    path.join(home, 'run'),
    '--storage-driver',
    'overlay',
  ];
  const runtime = existsSync('/usr/bin/runc') ? ['--runtime', 'runc'] : [];
  const pulled = spawnSync('buildah', [...places, 'pull', '-q', `docker-archive:${IMAGE_ARCHIVE}`]);
  const build = (context, { cold = false }) => {
    const flags = [
      '--layers',
      '-q',
      '--pull-never',
      '--network',
      'none',
      ...(cold ? ['--no-cache'] : []),
      ...runtime,
    ];
    const { status, stderr } = spawnSync('buildah', [...places, 'bud', ...flags, '-t', 'bench', context]);
    if (status !== 0) throw new Error(`buildah bud: ${String(stderr)}`);
  };
  try {
    if (pulled.status !== 0) throw new Error(String(pulled.stderr));
    build(makeContext(scratch, 'probe', 'FROM busybox:latest\nRUN true\n'), {});
  } catch (error) {
    console.log(`buildah left out: ${error.message.trim().split('\n').at(-1)}`);
    return undefined;
  }
  const version = /(\d+\.\d+\.\d+)/.exec(String(spawnSync('buildah', ['--version']).stdout))?.[1];
  return { name: 'buildah', version, build };
}
