import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { dockerArchive, ociArchive, sha256, tar } from './tar-fixture.ts';

/** By hand: GANTRY_CRASH_ROUNDS=100 */
const ROUNDS = Number(process.env['GANTRY_CRASH_ROUNDS'] ?? 8);
const BUNDLE = fileURLToPath(new URL('../../build/engine/engine.mjs', import.meta.url));

interface Report {
  whole: boolean;
  images: number;
  layers: number;
  problems: { kind: string; object: string; message: string; repaired: boolean }[];
}

describe.each(['image', 'directory'])('kept as %s', (form) => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ flags: ['--layer-form', form] });
  });
  afterAll(() => engine.stop());

  const fsck = async (repair = false): Promise<Report> =>
    (await engine.api<Report>('POST', `/gantry/v1/fsck${repair ? '?repair=1' : ''}`)).json;
  const placeOf = (layer: Buffer): string => path.join(engine.dataRoot, 'layers', sha256(layer));

  test('SIGKILL in the middle of loads, commits, saves, removals and prunes leaves a store that is whole', async () => {
    const shared = tar([{ name: 'shared', content: randomBytes(300_000) }]);
    const archives = [0, 1, 2].map((number) => {
      const own = tar([{ name: `own-${number}`, content: randomBytes(500_000) }]);
      const image = { layers: [shared, own, shared], tags: [`crash:${number}`, `crash/other:${number}`] };
      return number === 0
        ? dockerArchive(image)
        : ociArchive({ ...image, tags: [`docker.io/crash:${number}`] }, gzipSync);
    });
    await engine.dockerOk('run', '--name', 'kept', 'busybox', 'touch', '/kept');
    for (let round = 0; round < ROUNDS; round += 1) {
      const stopped = new AbortController();
      // Every error is allowed: the engine dies in the middle.
      const call = (method: string, target: string, body?: Buffer) =>
        engine.api(method, target, body).catch(() => undefined);
      const clients = [
        ...archives.map(async (archive, number) => {
          while (!stopped.signal.aborted) {
            await call('POST', '/images/load', archive);
            if (randomInt(2) === 0) await call('GET', `/images/crash:${number}/get`);
            if (randomInt(2) === 0) await call('DELETE', `/images/crash:${number}?force=1`);
          }
        }),
        (async () => {
          while (!stopped.signal.aborted) {
            await call('POST', `/commit?container=kept&repo=committed&tag=${randomInt(3)}`);
            if (randomInt(2) === 0) await call('POST', '/images/prune?filters={"dangling":["false"]}');
          }
        })(),
      ];
      // Not a synchronisation: the moment is meant to be random.
      await delay(randomInt(5, 400));
      stopped.abort();
      await engine.kill9();
      await Promise.all(clients);
      await engine.restart();
      expect(await fsck()).toMatchObject({ whole: true, problems: [] });
      const tmp = readdirSync(path.join(engine.dataRoot, 'tmp/images'));
      expect(tmp).toEqual([]);
    }
    // What containers stand on is always there.
    expect(await engine.dockerOk('start', '-a', 'kept')).toBe('');
    await engine.dockerOk('rm', 'kept');
    await engine.dockerOk('image', 'prune', '-af');
  }, 300_000);

  test('damage is found and told; repair takes what cannot be made true again, containers keep theirs', async () => {
    const layers = ['tar', 'index', 'gone'].map((name) => tar([{ name, content: name.repeat(3000) }]));
    for (const [index, layer] of layers.entries())
      await engine.dockerWithInput(dockerArchive({ layers: [layer], tags: [`hurt:${index}`] }), 'load');
    expect((await fsck()).whole).toBe(true);
    const [inTar, inIndex, gone] = layers.map(placeOf) as [string, string, string];
    const file = form === 'image' ? 'layer.erofs' : 'blob';
    flip(path.join(inTar, file), form === 'image' ? 4096 + 600 : 600);
    if (form === 'image') flip(path.join(inIndex, file), statSync(path.join(inIndex, file)).size - 500);
    else flip(path.join(inIndex, file), 700);
    if (form === 'image') unlinkSync(path.join(gone, file));
    else execFileSync('rm', ['-r', path.join(gone, 'diff')]);
    mkdirSync(path.join(engine.dataRoot, 'layers', 'stray'));
    writeFileSync(path.join(engine.dataRoot, 'blobs/sha256', sha256('stray')), 'stray');
    const container = await engine.dockerOk('create', '--name', 'user-of-hurt', 'hurt:1', 'x');

    const { problems } = await fsck();
    const kinds = (kind: string) => problems.filter((problem) => problem.kind === kind);
    expect(
      kinds('layer')
        .map(({ object }) => object.slice(7))
        .sort(),
    ).toEqual(layers.map(sha256).sort());
    expect(kinds('image')).toHaveLength(3);
    expect(kinds('file').map(({ object }) => object)).toEqual(['layers/stray']);
    expect(kinds('blob').map(({ object }) => object)).toEqual([`sha256:${sha256('stray')}`]);

    const repaired = await fsck(true);
    const left = repaired.problems.filter((problem) => problem.kind === 'image' && !problem.repaired);
    expect(left.map(({ message }) => message)).toEqual([
      expect.stringContaining('containers use it: user-of-hurt'),
    ]);
    expect(await engine.dockerOk('images', 'hurt', '--format', '{{.Tag}}')).toBe('1');
    await engine.dockerOk('rm', container);
    await fsck(true);
    expect(await fsck()).toMatchObject({ whole: true, problems: [] });
  });

  test('the command checks the store of a stopped engine, and refuses a running one', async () => {
    const run = (): { status: number; output: string } => {
      const argv = [BUNDLE, 'fsck', '--data-root', engine.dataRoot, '--run-root', engine.runRoot];
      try {
        return {
          status: 0,
          output: execFileSync(process.execPath, argv, { encoding: 'utf8', stdio: 'pipe' }),
        };
      } catch (error) {
        const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
        return { status, output: stdout + stderr };
      }
    };
    expect(run()).toMatchObject({ status: 2, output: expect.stringContaining('another engine') as string });
    await engine.kill9();
    expect(run()).toMatchObject({
      status: 0,
      output: expect.stringMatching(/\d+ images, .*: whole\n$/) as string,
    });
    writeFileSync(path.join(engine.dataRoot, 'blobs/sha256', sha256('again')), 'again');
    expect(run()).toMatchObject({
      status: 1,
      output: expect.stringContaining('no image refers to it') as string,
    });
    await engine.restart();
    await fsck(true);
  });
});

function flip(file: string, offset: number): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.from([0xff]), 0, 1, offset);
  closeSync(descriptor);
}
