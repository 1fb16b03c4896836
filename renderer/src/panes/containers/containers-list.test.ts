import { describe, expect, test } from 'vitest';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { filterContainers } from './filter-containers.ts';
import { uptimeMs } from './uptime.ts';

const container = (name: string, change: Partial<ContainerSummary> = {}): ContainerSummary => ({
  id: name.padEnd(64, '0'),
  name,
  image: 'busybox:latest',
  imageId: 'sha256:1',
  command: 'sh',
  createdAt: 0,
  state: 'running',
  status: 'Up 2 hours',
  health: undefined,
  ports: [],
  labels: {},
  networks: [],
  compose: undefined,
  ...change,
});

describe('the container list', () => {
  const all = [
    container('web', { ports: [{ hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' }] }),
    container('db', { state: 'exited', compose: { project: 'shop', service: 'db' } }),
    container('job', { state: 'paused' }),
  ];

  test('tabs count what the filter lets through; a paused container is not stopped', () => {
    expect(filterContainers(all, { text: '', tab: 'all' }).counts).toEqual({
      all: 3,
      running: 2,
      stopped: 1,
    });
    expect(filterContainers(all, { text: 'busybox', tab: 'stopped' }).rows.map((row) => row.name)).toEqual([
      'db',
    ]);
  });

  test.each([
    ['8080', ['web']],
    ['SHOP', ['db']],
    ['busybox job', ['job']],
    ['busybox nothing', []],
  ])('“%s” finds %j', (text, names) => {
    expect(filterContainers(all, { text, tab: 'all' }).rows.map((row) => row.name)).toEqual(names);
  });
});

test.each([
  ['Up 3 minutes', 180_000],
  ['Up About an hour (healthy)', 3_600_000],
  ['Up Less than a second', 1000],
  ['Up 2 weeks (Paused)', 1_209_600_000],
  ['Exited (0) 3 hours ago', undefined],
])('%s lasts %s ms', (status, ms) => {
  expect(uptimeMs(status)).toBe(ms);
});
