import type Dockerode from 'dockerode';
import { describe, expect, test } from 'vitest';
import type { RunRequest } from '../types.ts';
import { toContainerRequest } from './container-request.ts';
import { toContainerDetails, toContainerSummary } from './container-view.ts';
import { toEngineEvent } from './engine-event.ts';
import { toImageSummary } from './image-view.ts';
import { toEndpointSettings, toNetworkCreate, toNetworkDetails, toNetworkSummary } from './network-view.ts';
import type { NetworkInspect } from '../../../engine/wire/network.ts';
import { toStatsPoint, type StatsMessage } from './stats-point.ts';
import { toDiskUsage } from './system-view.ts';
import { timeOf } from './time.ts';
import { toVolumeSummary } from './volume-view.ts';

const ROW = {
  Id: 'abc',
  Names: ['/web'],
  Image: 'busybox',
  ImageID: 'sha256:1',
  Command: 'sh',
  Created: 1_700_000_000,
  Ports: [
    { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { IP: '::', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    { PrivatePort: 53, Type: 'udp' },
  ],
  Labels: { 'com.docker.compose.project': 'p', 'com.docker.compose.service': 's' },
  State: 'running',
  Status: 'Up 3 minutes (healthy)',
  NetworkSettings: { Networks: { n: { IPAddress: '10.0.0.2' } } },
  Mounts: [{ Type: 'volume', Name: 'data', Destination: '/data' }],
} as unknown as Dockerode.ContainerInfo;

describe('a container', () => {
  test('row becomes a summary', () => {
    expect(toContainerSummary(ROW)).toMatchObject({
      id: 'abc',
      name: 'web',
      createdAt: 1_700_000_000_000,
      state: 'running',
      health: 'healthy',
      networks: ['n'],
      compose: { project: 'p', service: 's' },
      ports: [
        { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostIp: '', hostPort: undefined, containerPort: 53, protocol: 'udp' },
      ],
    });
  });

  test.each([
    ['Up 3 minutes', undefined],
    ['Up 2 seconds (health: starting)', 'starting'],
    ['Up 1 hour (unhealthy)', 'unhealthy'],
    ['Up 1 hour (Paused)', undefined],
  ])('with the status %s has the health %s', (Status, health) => {
    expect(toContainerSummary({ ...ROW, Status }).health).toBe(health);
  });

  test('inspection with nulls where Docker has them becomes details', () => {
    const details = toContainerDetails(
      {
        Id: 'abc',
        Name: '/web',
        Image: 'sha256:1',
        Created: '2026-01-01T00:00:00.5Z',
        Path: '/bin/sh',
        Args: ['-c', 'x'],
        State: {
          Status: 'exited',
          ExitCode: 3,
          OOMKilled: true,
          Pid: 0,
          Error: '',
          StartedAt: '2026-01-01T00:00:01Z',
          FinishedAt: '0001-01-01T00:00:00Z',
        },
        Config: { Image: 'busybox', Cmd: null, Entrypoint: null, Env: null, Labels: null, Tty: false },
        HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 }, PidsLimit: null },
        Mounts: null,
        NetworkSettings: {
          Ports: { '80/tcp': [{ HostIp: '', HostPort: '8080' }], '81/udp': null },
          Networks: {},
        },
      } as unknown as Dockerode.ContainerInspectInfo,
      undefined,
    );
    expect(details).toMatchObject({
      name: 'web',
      command: '/bin/sh -c x',
      startedAt: Date.parse('2026-01-01T00:00:01Z'),
      finishedAt: undefined,
      exitCode: 3,
      oomKilled: true,
      restartPolicy: 'on-failure:3',
      environment: [],
      arguments: [],
      mounts: [],
      limits: { memoryBytes: 0, nanoCpus: 0, pids: 0 },
      ports: [
        { hostIp: '', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { hostIp: '', hostPort: undefined, containerPort: 81, protocol: 'udp' },
      ],
    });
  });
});

const RUN: RunRequest = {
  image: 'busybox',
  command: [],
  environment: ['A=1'],
  ports: [
    { hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostIp: '127.0.0.1', containerPort: 80, protocol: 'tcp' },
  ],
  mounts: [{ type: 'tmpfs', source: 'ignored', target: '/t', readonly: false }],
  tty: true,
  openStdin: true,
  memoryBytes: 1024,
  restartPolicy: 'always',
  restartRetries: 9,
  autoRemove: false,
  privileged: false,
  readonlyRootfs: false,
  labels: {},
};

test('the Run dialog becomes a create request', () => {
  expect(toContainerRequest(RUN)).toMatchObject({
    Image: 'busybox',
    Cmd: null,
    Entrypoint: null,
    ExposedPorts: { '80/tcp': {} },
    HostConfig: {
      PortBindings: {
        '80/tcp': [
          { HostIp: '', HostPort: '8080' },
          { HostIp: '127.0.0.1', HostPort: '' },
        ],
      },
      Mounts: [{ Type: 'tmpfs', Source: undefined, Target: '/t', ReadOnly: false }],
      NetworkMode: 'default',
      RestartPolicy: { Name: 'always', MaximumRetryCount: 0 },
      Memory: 1024,
    },
    NetworkingConfig: undefined,
  });
  expect(toContainerRequest({ ...RUN, network: 'mine' }).NetworkingConfig).toEqual({
    EndpointsConfig: { mine: {} },
  });
  expect(toContainerRequest({ ...RUN, network: 'host' }).NetworkingConfig).toBeUndefined();
});

function message(second: number, change: Partial<StatsMessage> = {}): StatsMessage {
  return { read: new Date(1_700_000_000_000 + second * 1000).toISOString(), ...change };
}

describe('a stats point', () => {
  const cpu = (total: number, host: number) => ({
    cpu_usage: { total_usage: total, usage_in_kernelmode: total / 2, usage_in_usermode: total / 2 },
    system_cpu_usage: host,
    online_cpus: 4,
    throttling_data: { periods: total / 100, throttled_periods: total / 200 },
  });

  test('counts CPU in percent of one core, as docker stats does', () => {
    const point = toStatsPoint(
      message(0, { cpu_stats: cpu(0, 0) }),
      message(1, { cpu_stats: cpu(500, 1000) }),
    );
    expect(point).toMatchObject({
      cpuPercent: 200,
      cpuUserPercent: 100,
      cpuSystemPercent: 100,
      throttledPercent: 50,
    });
  });

  test('leaves inactive cache out of memory, in both cgroup versions', () => {
    const used = (stats: Record<string, number>) =>
      toStatsPoint(message(0), message(1, { memory_stats: { usage: 100, limit: 200, stats } }));
    expect(used({ total_inactive_file: 30, total_cache: 40 })).toMatchObject({
      memoryBytes: 70,
      memoryCacheBytes: 40,
    });
    expect(used({ inactive_file: 30, file: 50 })).toMatchObject({ memoryBytes: 70, memoryCacheBytes: 50 });
    expect(used({ inactive_file: 300 })).toMatchObject({ memoryBytes: 100 });
  });

  test('turns counters into rates over the time between the messages', () => {
    const at = (bytes: number): Partial<StatsMessage> => ({
      networks: { eth0: { rx_bytes: bytes, tx_bytes: 0 }, eth1: { rx_bytes: bytes, tx_bytes: bytes } },
      blkio_stats: {
        io_service_bytes_recursive: [
          { op: 'Read', value: bytes },
          { op: 'write', value: 2 * bytes },
          { op: 'Total', value: 3 * bytes },
        ],
      },
    });
    expect(toStatsPoint(message(0, at(0)), message(2, at(100)))).toMatchObject({
      networkRxBytesPerSecond: 100,
      networkTxBytesPerSecond: 50,
      blockReadBytesPerSecond: 50,
      blockWriteBytesPerSecond: 100,
    });
    expect(toStatsPoint(message(0, at(100)), message(1, at(0)))).toMatchObject({
      networkRxBytesPerSecond: 0,
    });
  });

  test('tells each interface apart, and nothing yet of one that has just come', () => {
    const before = { networks: { eth0: { rx_bytes: 0, tx_bytes: 10 } } };
    const after = { networks: { eth0: { rx_bytes: 50, tx_bytes: 30 }, eth1: { rx_bytes: 900 } } };
    expect(toStatsPoint(message(0, before), message(2, after))?.interfaces).toEqual([
      { name: 'eth0', rxBytesPerSecond: 25, txBytesPerSecond: 10 },
      { name: 'eth1', rxBytesPerSecond: 0, txBytesPerSecond: 0 },
    ]);
  });

  test('is none where no time passed, and zeros for a container that stopped', () => {
    expect(toStatsPoint(message(1), message(1))).toBeUndefined();
    const stopped = { networks: null, blkio_stats: { io_service_bytes_recursive: null } };
    expect(toStatsPoint(message(0), message(1, stopped))).toMatchObject({
      cpuPercent: 0,
      memoryBytes: 0,
      pids: 0,
    });
  });
});

test('disk usage counts what nothing uses as reclaimable and unknown sizes as nothing', () => {
  expect(
    toDiskUsage({
      LayersSize: 100,
      Images: [
        { Size: 60, SharedSize: 10, Containers: 1 },
        { Size: 40, SharedSize: -1, Containers: 0 },
      ],
      Containers: [{ State: 'exited', SizeRw: 5 }, { State: 'running' }],
      Volumes: [{ UsageData: { Size: -1, RefCount: 0 } }, { UsageData: null }],
    }),
  ).toEqual([
    { kind: 'images', count: 2, active: 1, sizeBytes: 100, reclaimableBytes: 40 },
    { kind: 'containers', count: 2, active: 1, sizeBytes: 5, reclaimableBytes: 5 },
    { kind: 'volumes', count: 2, active: 0, sizeBytes: 0, reclaimableBytes: 0 },
  ]);
});

test('a network that is asked for says no more than the user did', () => {
  const plain = {
    name: 'n',
    driver: 'bridge',
    internal: false,
    attachable: false,
    ipv4: true,
    ipv6: false,
    pools: [],
    options: {},
    labels: {},
  };
  expect(toNetworkCreate(plain)).toEqual({
    Name: 'n',
    Driver: 'bridge',
    Internal: false,
    Attachable: false,
    EnableIPv6: false,
    Options: {},
    Labels: {},
  });
  const pools = [{ subnet: '10.1.0.0/24', ipRange: '', gateway: '10.1.0.1', auxiliary: { r: '10.1.0.2' } }];
  expect(toNetworkCreate({ ...plain, ipv4: false, ipv6: true, pools })).toMatchObject({
    EnableIPv4: false,
    EnableIPv6: true,
    IPAM: { Config: [{ Subnet: '10.1.0.0/24', Gateway: '10.1.0.1', AuxiliaryAddresses: { r: '10.1.0.2' } }] },
  });
});

test('a connection is asked for with what was given', () => {
  const plain = { network: 'n', container: 'c', aliases: [], gatewayPriority: 0, driverOptions: {} };
  expect(toEndpointSettings(plain)).toEqual({});
  const given = { ipv4: '10.1.0.9', mac: '02:42:0a:01:00:09', aliases: ['db'], gatewayPriority: -1 };
  expect(toEndpointSettings({ ...plain, ...given })).toEqual({
    IPAMConfig: { IPv4Address: '10.1.0.9' },
    MacAddress: '02:42:0a:01:00:09',
    Aliases: ['db'],
    GwPriority: -1,
  });
});

test('details of a network have its containers, and the addresses that stopped ones asked for', () => {
  const endpoint = { IPAMConfig: { IPv4Address: '10.1.0.9' }, Aliases: ['db'], GwPriority: 5 };
  const stopped = { ...ROW, State: 'exited', NetworkSettings: { Networks: { n: endpoint } } };
  const network = {
    Id: 'i',
    Name: 'n',
    Driver: 'macvlan',
    IPAM: { Config: [{ Subnet: '10.1.0.0/24', IPRange: '10.1.0.128/25' }] },
    Options: { parent: 'eth0' },
  };
  expect(
    toNetworkDetails(network as unknown as NetworkInspect, [stopped as unknown as Dockerode.ContainerInfo]),
  ).toMatchObject({
    ipv4: true,
    ipv6: false,
    pools: [{ subnet: '10.1.0.0/24', ipRange: '10.1.0.128/25', gateway: '', auxiliary: {} }],
    options: { parent: 'eth0' },
    endpoints: [
      { containerId: 'abc', state: 'exited', ipv4: '10.1.0.9', aliases: ['db'], gatewayPriority: 5 },
    ],
  });
});

test('networks and volumes know their containers', () => {
  const network = {
    Id: 'i',
    Name: 'n',
    Driver: 'bridge',
    Created: '2026-01-01T00:00:00Z',
    IPAM: { Config: null },
  };
  expect(toNetworkSummary(network as unknown as Dockerode.NetworkInspectInfo, [ROW])).toMatchObject({
    containers: [{ id: 'abc', name: 'web', ip: '10.0.0.2' }],
    subnets: [],
    predefined: false,
  });
  const volume = {
    Name: 'data',
    Driver: 'local',
    Mountpoint: '/m',
    Labels: null,
    UsageData: { Size: -1, RefCount: 1 },
  };
  expect(toVolumeSummary(volume as unknown as Dockerode.VolumeInspectInfo, [ROW])).toMatchObject({
    usedBy: [{ id: 'abc', name: 'web', running: true, destination: '/data' }],
    options: {},
    sizeBytes: undefined,
    labels: {},
  });
});

test('small views: untagged images, events, zero times', () => {
  const image = {
    Id: 'i',
    RepoTags: ['<none>:<none>'],
    Created: 1,
    Size: 2,
  } as unknown as Dockerode.ImageInfo;
  expect(toImageSummary(image)).toMatchObject({ tags: [], containers: -1, createdAt: 1000 });
  const event = {
    Type: 'container',
    Action: 'die',
    Actor: { ID: 'x', Attributes: null },
    timeNano: 1_500_000_000,
  };
  expect(toEngineEvent(event)).toEqual({
    type: 'container',
    action: 'die',
    id: 'x',
    attributes: {},
    time: 1500,
  });
  expect(timeOf('0001-01-01T00:00:00Z')).toBeUndefined();
  expect(timeOf('')).toBeUndefined();
});
