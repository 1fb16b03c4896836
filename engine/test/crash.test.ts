import { randomInt } from 'node:crypto';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const ROUNDS = 8;

/** What clients do all day; every error is allowed, since the engine dies in the middle. */
async function useEngine(stopped: () => boolean): Promise<void> {
  const call = (method: string, target: string, body?: object) =>
    engine.api<{ Id?: string }>(method, target, body).catch(() => undefined);
  while (!stopped()) {
    const Cmd = [['true'], ['sleep', '1000'], ['sh', '-c', 'exit 3']][randomInt(3)];
    const HostConfig = { NetworkMode: ['bridge', 'none', 'host'][randomInt(3)], Binds: ['v:/v'] };
    const created = await call('POST', '/containers/create', { Image: 'busybox', Cmd, HostConfig });
    const id = created?.json.Id;
    if (id === undefined) continue;
    await call('POST', `/containers/${id}/start`);
    if (randomInt(2) === 0) await call('POST', `/containers/${id}/stop?t=0`);
    if (randomInt(2) === 0) await call('DELETE', `/containers/${id}?force=1`);
  }
}

test('SIGKILL at any moment leaves a state that the next engine understands and can clear', async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    let stopped = false;
    const clients = [1, 2, 3].map(() => useEngine(() => stopped));
    // Not a synchronisation: the moment is meant to be random.
    await delay(randomInt(30, 250));
    stopped = true;
    await engine.kill9();
    await Promise.all(clients);
    await engine.restart();

    const containers = await engine.api<{ Id: string; State: string }[]>('GET', '/containers/json?all=1');
    for (const { Id, State } of containers.json) {
      const { State: inspected } = (
        await engine.api<{ State: { Pid: number; Status: string } }>('GET', `/containers/${Id}/json`)
      ).json;
      expect(['created', 'running', 'exited']).toContain(State);
      expect(inspected.Pid > 0).toBe(inspected.Status === 'running');
      if (inspected.Pid > 0) expect(() => process.kill(inspected.Pid, 0)).not.toThrow();
      expect(await engine.api('DELETE', `/containers/${Id}?force=1`)).toMatchObject({ status: 204 });
    }
    expect(readdirSync(path.join(engine.dataRoot, 'containers'))).toEqual([]);
    expect((await engine.docker('run', '--rm', 'busybox', 'echo', 'fine')).stdout).toBe('fine\n');
  }
}, 120_000);
