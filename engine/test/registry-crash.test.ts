import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { missingCommands, startPlainRegistry } from './docker-registry.ts';
import { startFakeRegistry } from './fake-registry.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { Random } from './random.ts';
import { dockerArchive, tar } from './tar-fixture.ts';

/** By hand: GANTRY_CRASH_ROUNDS=100 GANTRY_CRASH_SEED=7 */
const ROUNDS = Number(process.env['GANTRY_CRASH_ROUNDS'] ?? 10);
const SEED = Number(process.env['GANTRY_CRASH_SEED'] ?? 20_261_126);
const IMAGES = 4;

const missing = missingCommands('docker-registry');
if (missing.length > 0) console.warn('crashes of pulls: no docker-registry, a registry of our own serves');

const names = Array.from({ length: IMAGES }, (_, number) => `crash/${number}`);
let engine: TestEngine;
let registry: { host: string; stop(): Promise<void> };
let directory: string;
/** What `docker load` takes of the same layers. */
let archives: Buffer[];

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-crash-'));
  const shared = tar([{ name: 'shared', content: randomBytes(400_000) }]);
  const layersOf = names.map((name) => [
    shared,
    tar([{ name, content: Buffer.alloc(3_000_000, randomBytes(200_000)) }]),
    shared,
  ]);
  archives = layersOf.map((layers, number) => dockerArchive({ layers, tags: [`loaded:${number}`] }));
  engine = await startEngine({ starterImage: false });
  registry = missing.length > 0 ? await fake(layersOf) : await filled();
});
afterAll(async () => {
  await engine.stop();
  await registry.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Debian's registry with the images, pushed by the engine. */
async function filled(): Promise<typeof registry> {
  const started = await startPlainRegistry(directory);
  for (const [number, name] of names.entries()) {
    const repository = `${started.host}/${name}`;
    await engine.dockerWithInput(archives[number] ?? Buffer.alloc(0), 'load');
    await engine.dockerOk('tag', `loaded:${number}`, repository);
    await engine.dockerOk('push', '-q', repository);
    await engine.dockerOk('rmi', `loaded:${number}`, repository);
  }
  return started;
}

async function fake(layersOf: Buffer[][]): Promise<typeof registry> {
  const started = await startFakeRegistry();
  for (const [number, name] of names.entries()) {
    const { digest } = started.addImage(name, { layers: layersOf[number] ?? [] });
    const manifest = started.manifests.get(`${name}:${digest}`);
    if (manifest) started.manifests.set(`${name}:latest`, manifest);
  }
  return { host: started.host, stop: () => started.close() };
}

/** Until it is stopped; every error is allowed, since the engine dies in the middle. */
async function useImage(number: number, random: Random, stopped: () => boolean): Promise<void> {
  const name = `${registry.host}/${names[number]}`;
  const call = (method: string, target: string, body?: Buffer) =>
    engine.api(method, target, body).catch(() => undefined);
  while (!stopped()) {
    if (random.chance(0.3)) await call('POST', '/images/load', archives[number]);
    else await call('POST', `/images/create?fromImage=${name}&tag=latest`);
    if (random.chance(0.3)) await call('POST', '/images/prune?filters={"dangling":["false"]}');
    else if (random.chance(0.7)) await call('DELETE', `/images/${name}?force=1`);
  }
}

function leftovers(): string[] {
  const listed = ['tmp/images', 'trash'].flatMap((name) => readdirSync(path.join(engine.dataRoot, name)));
  const layers = readdirSync(path.join(engine.dataRoot, 'layers'));
  const half = layers.filter((name) => !existsSync(path.join(engine.dataRoot, 'layers', name, 'meta.json')));
  return [...listed, ...half];
}

test('SIGKILL in the middle of pulls, loads, removals and prunes leaves whole images and nothing else', async () => {
  const random = new Random(SEED);
  for (let round = 0; round < ROUNDS; round += 1) {
    let stopped = false;
    const clients = names.map((_, number) =>
      useImage(number, new Random(SEED + round * IMAGES + number), () => stopped),
    );
    // Not a synchronisation: the moment is meant to be random.
    await delay(10 + random.integer(400));
    stopped = true;
    await engine.kill9();
    await Promise.all(clients);
    await engine.restart();

    await expect.poll(leftovers).toEqual([]);
    const fsck = await engine.api<{ whole: boolean; problems: object[] }>('POST', '/gantry/v1/fsck');
    expect(fsck.json, `round ${round}, seed ${SEED}`).toMatchObject({ whole: true, problems: [] });
    const { json: images } = await engine.api<{ Id: string }[]>('GET', '/images/json');
    for (const { Id } of images) {
      // Every layer's tar is read and hashed on its way out.
      expect((await engine.api('GET', `/images/${Id}/get`)).status).toBe(200);
    }
    if (random.chance(0.5)) continue;
    for (const { Id } of images) await engine.api('DELETE', `/images/${Id}?force=1`);
    expect(readdirSync(path.join(engine.dataRoot, 'layers'))).toEqual([]);
  }
}, 1_200_000);
