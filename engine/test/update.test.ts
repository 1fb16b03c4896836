import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostConfig } from '../wire/container.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { create, shell, start } from './run-container.ts';

/** `POST /containers/{id}/update`: on disk, and in the cgroup of what runs. */
let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine.stop());

const MB = 1024 * 1024;
const isV2 = existsSync('/sys/fs/cgroup/cgroup.controllers');

interface UpdateReply {
  Warnings: string[] | null;
  message: string;
}

const update = (id: string, request: object, version = '') =>
  engine.api<UpdateReply>('POST', `${version}/containers/${id}/update`, request);

async function hostConfigOf(id: string): Promise<HostConfig> {
  const { json } = await engine.api<{ HostConfig: HostConfig }>('GET', `/containers/${id}/json`);
  return json.HostConfig;
}

function cgroupFile(id: string, controller: string, file: string): string {
  const hierarchy = isV2 ? '' : `${controller}/`;
  return readFileSync(`/sys/fs/cgroup/${hierarchy}${engine.cgroupParent}/${id}/${file}`, 'latin1').trim();
}

/** What the kernel holds to, in Docker's terms. */
const memoryOf = (id: string): [memory: number, swap: number] =>
  isV2
    ? [
        Number(cgroupFile(id, 'memory', 'memory.max')),
        Number(cgroupFile(id, 'memory', 'memory.max')) + Number(cgroupFile(id, 'memory', 'memory.swap.max')),
      ]
    : [
        Number(cgroupFile(id, 'memory', 'memory.limit_in_bytes')),
        Number(cgroupFile(id, 'memory', 'memory.memsw.limit_in_bytes')),
      ];

async function running(hostConfig: HostConfig = {}): Promise<string> {
  const { id } = await create(engine, shell('sleep 1000', hostConfig));
  await start(engine, id);
  return id;
}

describe('an update', () => {
  test('of memory goes up and down on what runs, whichever limit has to move first', async () => {
    const id = await running({ Memory: 64 * MB, MemorySwap: 96 * MB });
    for (const [memory, swap] of [
      [128, 256],
      [32, 48],
      [40, 44],
      [40, 400],
    ] as const) {
      const { status, json } = await update(id, { Memory: memory * MB, MemorySwap: swap * MB });
      expect([status, json]).toEqual([200, { Warnings: null }]);
      expect(memoryOf(id)).toEqual([memory * MB, swap * MB]);
    }
    expect(await hostConfigOf(id)).toMatchObject({ Memory: 40 * MB, MemorySwap: 400 * MB });
    await update(id, { Memory: 50 * MB, memoryreservation: 20 * MB });
    expect(memoryOf(id)).toEqual([50 * MB, 400 * MB]);
    expect(await hostConfigOf(id)).toMatchObject({ MemoryReservation: 20 * MB, MemorySwap: 400 * MB });
  });

  test('of CPU, processes and block I/O reaches the cgroup and leaves the rest alone', async () => {
    const id = await running({ Memory: 64 * MB, CpuPeriod: 50_000, CpuQuota: 25_000 });
    const { status } = await update(id, {
      CpuQuota: 40_000,
      CpuShares: 512,
      PidsLimit: 33,
      CpusetCpus: '0',
      CpusetMems: '0',
    });
    expect(status).toBe(200);
    const expected: [string, string, string, string, string][] = [
      ['cpu', 'cpu.cfs_quota_us', '40000', 'cpu.max', '40000 50000'],
      ['cpu', 'cpu.shares', '512', 'cpu.weight', '59'],
      ['pids', 'pids.max', '33', 'pids.max', '33'],
      ['cpuset', 'cpuset.cpus', '0', 'cpuset.cpus', '0'],
    ];
    for (const [controller, v1File, v1Value, v2File, v2Value] of expected) {
      expect(cgroupFile(id, controller, isV2 ? v2File : v1File)).toBe(isV2 ? v2Value : v1Value);
    }
    expect(memoryOf(id)[0]).toBe(64 * MB);
    expect((await update(id, { PidsLimit: -1 })).status).toBe(200);
    expect(cgroupFile(id, 'pids', 'pids.max')).toBe('max');
    expect((await hostConfigOf(id)).PidsLimit).toBe(0);
    // Before 1.40 the field did not exist, and 0 of old clients meant nothing.
    await update(id, { PidsLimit: 5 }, '/v1.39');
    expect(cgroupFile(id, 'pids', 'pids.max')).toBe('max');
  });

  test('of what is stopped holds from the next start on, through a restart of the engine', async () => {
    const { id } = await create(engine, shell('sleep 1000'));
    await update(id, {
      Memory: 24 * MB,
      MemorySwap: -1,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
    });
    await engine.restart();
    expect(await hostConfigOf(id)).toMatchObject({
      Memory: 24 * MB,
      MemorySwap: -1,
      RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 },
    });
    await start(engine, id);
    expect(memoryOf(id)[0]).toBe(24 * MB);
  });

  test('is an event', async () => {
    const { id } = await create(engine, shell('true'));
    await update(id, { CpuShares: 100 });
    const filters = encodeURIComponent(JSON.stringify({ container: [id], event: ['update'] }));
    const until = Math.ceil(Date.now() / 1000) + 1;
    const { text } = await engine.api('GET', `/events?since=1&until=${until}&filters=${filters}`);
    expect(
      text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { Action: string }).Action),
    ).toEqual(['update']);
  });

  test("that contradicts itself or the container is refused with Docker's words", async () => {
    const id = await running({ Memory: 64 * MB, CpuPeriod: 50_000 });
    const { id: fleeting } = await create(engine, shell('true', { AutoRemove: true, NanoCpus: 5e8 }));
    const before = await hostConfigOf(id);
    const refused: [string, object, number, string][] = [
      [id, { Memory: 1000 }, 400, 'Minimum memory limit allowed is 6MB'],
      [
        id,
        { Memory: 500 * MB },
        409,
        `Cannot update container ${id}: Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time`,
      ],
      [
        id,
        { NanoCpus: 5e8 },
        409,
        `Cannot update container ${id}: Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set`,
      ],
      [
        fleeting,
        { CpuQuota: 5000 },
        409,
        `Cannot update container ${fleeting}: Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set`,
      ],
      [
        fleeting,
        { RestartPolicy: { Name: 'always' } },
        409,
        `Cannot update container ${fleeting}: Restart policy cannot be updated because AutoRemove is enabled for the container`,
      ],
      [id, { RestartPolicy: { Name: 'always', MaximumRetryCount: 2 } }, 400, 'invalid restart policy'],
      [id, { CpusetCpus: '900' }, 400, 'Requested CPUs are not available - requested 900'],
      ['nothing', {}, 404, 'No such container: nothing'],
    ];
    for (const [target, request, status, text] of refused) {
      const reply = await update(target, request);
      expect([reply.status, reply.json.message]).toEqual([status, expect.stringContaining(text)]);
    }
    expect(await hostConfigOf(id)).toEqual(before);
  });

  test.skipIf(isV2)('that the kernel refuses changes nothing', async () => {
    const { id } = await create(
      engine,
      shell('dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null; echo full; sleep 1000', {
        Memory: 64 * MB,
        MemorySwap: 64 * MB,
      }),
    );
    await start(engine, id);
    await expect
      .poll(async () => (await engine.api('GET', `/containers/${id}/logs?stdout=1`)).text)
      .toContain('full');
    const { status, json } = await update(id, { Memory: 8 * MB, MemorySwap: 8 * MB });
    expect(status).toBe(500);
    expect(json.message).toMatch(
      /^Cannot update container \w+: unable to set memory limit to \d+ \(current usage: \d+, peak usage: \d+\)$/,
    );
    expect(await hostConfigOf(id)).toMatchObject({ Memory: 64 * MB, MemorySwap: 64 * MB });
    expect(memoryOf(id)).toEqual([64 * MB, 64 * MB]);
  });
});
