import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TarParser } from '../tar/tar-parser.ts';
import { createTestNetwork, missingCommands, type TestNetwork } from './docker-registry.ts';
import { startDockerd } from './dockerd.ts';
import { startEngine, type TestEngine } from './harness.ts';
import { tar } from './tar-fixture.ts';

const absent = missingCommands('dockerd', 'buildah');
if (absent.length > 0) console.log(`builds are not compared with: ${absent.join(', ')}`);

/** Without RUN: the peers of the tests run no containers. */
const DOCKERFILE = `
FROM scratch
ADD base.tar /
COPY a.txt /a1
COPY a.txt /dir/
COPY a.txt /link/
COPY a.txt /abs/renamed
COPY --chown=someone:grp d /chowned/deep/
COPY --chown=5 a.txt /c5
COPY --chown=6:7 a.txt /p1/p2/file
COPY --chown=6:7 a.txt many/1.txt /r1/r2/
COPY d /d
COPY d/ /d2/
COPY d many /both/
COPY many/* /m/
COPY 한글 /
COPY ["sp ace", "/json dest/"]
ADD t.tar /t/
ADD t.tar.gz /tgz
ADD a.txt /added
WORKDIR /w/x
COPY a.txt .
COPY a.txt rel/
WORKDIR ../y
COPY d /real
COPY . /all
VOLUME /vol
COPY a.txt /vol/`;

let work: string;
let context: string;

beforeAll(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'gantry-build-'));
  context = path.join(work, 'context');
  for (const directory of ['d/sub', 'd/empty', 'many'])
    mkdirSync(path.join(context, directory), { recursive: true });
  const write = (name: string, content: string | Buffer): void =>
    writeFileSync(path.join(context, name), content);
  write('Dockerfile', DOCKERFILE);
  write('.dockerignore', 'ignored\n**/*.tmp\n');
  for (const name of [
    'a.txt',
    'd/b',
    'd/sub/c',
    'd/x.tmp',
    'many/1.txt',
    'many/2.txt',
    'sp ace',
    '한글',
    'ignored',
  ])
    write(name, name);
  symlinkSync('b', path.join(context, 'd/link'));
  symlinkSync('/etc/passwd', path.join(context, 'd/abs'));
  linkSync(path.join(context, 'd/b'), path.join(context, 'd/hard'));
  chmodSync(path.join(context, 'd/b'), 0o750);
  chmodSync(path.join(context, 'd/sub'), 0o700);
  chownSync(path.join(context, 'a.txt'), 7, 8);
  const archive = tar([
    { name: 'in', type: 'directory', mode: 0o711, uid: 3, gid: 4 },
    { name: 'in/u', content: 'u', uid: 3, gid: 4 },
  ]);
  write('t.tar', archive);
  execFileSync('gzip', ['-k', path.join(context, 't.tar')]);
  write(
    'base.tar',
    tar([
      { name: 'real', type: 'directory', mode: 0o1777 },
      { name: 'real/in', type: 'directory', mode: 0o755 },
      { name: 'link', type: 'symlink', link: 'real' },
      { name: 'abs', type: 'symlink', link: '/real/in' },
      { name: 'etc', type: 'directory', mode: 0o755 },
      { name: 'etc/passwd', content: 'someone:x:1234:99::/:\n' },
      { name: 'etc/group', content: 'grp:x:77:\n' },
    ]),
  );
});

afterAll(() => rmSync(work, { recursive: true, force: true }));

/** What an engine puts into every container. */
const ENGINES_OWN = /^(?:dev|proc|sys|run|\.dockerenv|etc\/(?:hosts|hostname|resolv\.conf|mtab))(?:\/|$)/;

/** A line for every file of a root file system; times of directories are those of the build. */
function listTar(bytes: Buffer): string[] {
  const lines: string[] = [];
  const parser = new TarParser({
    entry({ name, type, mode, uid, gid, size, link, modifiedAt }) {
      const clean = name.replace(/^\.?\/+/, '').replace(/\/$/, '');
      if (clean === '' || ENGINES_OWN.test(clean)) return;
      const time = type === 'file' ? Math.floor(modifiedAt) : '';
      lines.push([clean, type, mode.toString(8), uid, gid, size, link.replace(/^\.\//, ''), time].join(' '));
    },
    data: () => undefined,
  });
  parser.push(bytes);
  parser.end();
  return lines.sort();
}

async function exported(docker: TestEngine['docker'], file: string): Promise<string[]> {
  const created = await docker('create', 'compared', 'x');
  if (created.code !== 0) throw new Error(created.stderr);
  await docker('export', '-o', file, created.stdout.trim());
  return listTar(execFileSync('cat', [file], { maxBuffer: 1 << 28 }));
}

describe.skipIf(absent.length === 2)('an image of the same context', () => {
  let engine: TestEngine;
  let network: TestNetwork;
  let ours: string[];

  beforeAll(async () => {
    engine = await startEngine({ starterImage: false });
    network = createTestNetwork(`gtb${process.pid}`);
    await engine.dockerOk('build', '-t', 'compared', context);
    ours = await exported((...args) => engine.docker(...args), path.join(work, 'ours.tar'));
  });

  afterAll(async () => {
    network?.remove();
    await engine?.stop();
  });

  test.skipIf(absent.includes('dockerd'))("is file by file what Docker's classic builder makes", async () => {
    const dockerd = await startDockerd({ network, directory: path.join(work, 'dockerd'), flags: [] });
    try {
      await dockerd.dockerOk('build', '-t', 'compared', context);
      expect(ours).toEqual(
        await exported((...args) => dockerd.docker(...args), path.join(work, 'docker.tar')),
      );
    } finally {
      await dockerd.stop();
    }
  });

  test.skipIf(absent.includes('buildah'))('holds the files that buildah makes', () => {
    const places = ['--root', path.join(work, 'buildah'), '--runroot', path.join(work, 'buildah-run')];
    const buildah = (...args: string[]): string =>
      execFileSync('buildah', [...places, '--storage-driver', 'vfs', ...args], { encoding: 'utf8' }).trim();
    buildah('bud', '--quiet', '-t', 'compared', context);
    const container = buildah('from', 'compared');
    const mount = buildah('mount', container);
    const names = (lines: string[]): string[] => lines.map((line) => line.split(' ').slice(0, 2).join(' '));
    try {
      const theirs = listTar(execFileSync('tar', ['-C', mount, '-c', '.'], { maxBuffer: 1 << 28 }));
      // It gives owners and modes to directories in ways of its own.
      expect(names(ours)).toEqual(names(theirs));
    } finally {
      buildah('umount', container);
      buildah('rm', container);
    }
  });
});
