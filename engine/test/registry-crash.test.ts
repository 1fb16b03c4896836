import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startFakeRegistry } from './fake-registry.ts';
import type { FakeRegistry } from './fake-registry.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { tar } from './tar-fixture.ts';

const ROUNDS = 12;
const IMAGES = 4;

let engine: TestEngine;
let registry: FakeRegistry;
beforeAll(async () => {
  registry = await startFakeRegistry();
  const shared = tar([{ name: 'shared', content: randomBytes(400_000) }]);
  for (let number = 0; number < IMAGES; number += 1) {
    const own = tar([{ name: `own-${number}`, content: randomBytes(200_000) }]);
    const { digest } = registry.addImage(`crash/${number}`, { layers: [shared, own, shared] });
    const manifest = registry.manifests.get(`crash/${number}:${digest}`);
    if (manifest) registry.manifests.set(`crash/${number}:latest`, manifest);
  }
  engine = await startEngine({ starterImage: false });
});
afterAll(async () => {
  await engine.stop();
  await registry.close();
});

/** Pulls and removes one image over and over; every error is allowed, since the engine dies in the middle. */
async function useImage(number: number, stopped: () => boolean): Promise<void> {
  const name = `${registry.host}/crash/${number}`;
  const call = (method: string, target: string) => engine.api(method, target).catch(() => undefined);
  while (!stopped()) {
    await call('POST', `/images/create?fromImage=${name}&tag=latest`);
    if (randomInt(3) > 0) await call('DELETE', `/images/${name}?force=1`);
  }
}

function leftovers(): string[] {
  const listed = ['tmp/images', 'trash'].flatMap((name) => readdirSync(path.join(engine.dataRoot, name)));
  const layers = readdirSync(path.join(engine.dataRoot, 'layers'));
  const half = layers.filter((name) => !existsSync(path.join(engine.dataRoot, 'layers', name, 'meta.json')));
  return [...listed, ...half];
}

test('SIGKILL in the middle of pulls and removals leaves whole images and nothing else', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    let stopped = false;
    const clients = Array.from({ length: IMAGES }, (_, number) => useImage(number, () => stopped));
    // Not a synchronisation: the moment is meant to be random.
    await delay(randomInt(10, 250));
    stopped = true;
    await engine.kill9();
    await Promise.all(clients);
    await engine.restart();

    await expect.poll(leftovers).toEqual([]);
    // A blob that was written just before its image became known is all that may lie about.
    const fsck = async (query = '') =>
      (
        await engine.api<{ whole: boolean; problems: { message: string }[] }>(
          'POST',
          `/gantry/v1/fsck${query}`,
        )
      ).json;
    const { problems } = await fsck('?repair=1');
    expect(problems.filter(({ message }) => message !== 'no image refers to it')).toEqual([]);
    expect(await fsck()).toMatchObject({ whole: true, problems: [] });
    const { json: images } = await engine.api<{ Id: string }[]>('GET', '/images/json');
    for (const { Id } of images) {
      // Every layer's tar is read and hashed on its way out.
      expect((await engine.api('GET', `/images/${Id}/get`)).status).toBe(200);
    }
    for (const { Id } of images) await engine.api('DELETE', `/images/${Id}?force=1`);
    expect(readdirSync(path.join(engine.dataRoot, 'layers'))).toEqual([]);
  }
}, 120_000);
