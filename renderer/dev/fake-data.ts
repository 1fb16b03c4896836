import type {
  ContainerDetails,
  ContainerSummary,
  ImageLayers,
  ImageSummary,
  Port,
} from '../../electron/api/types.ts';

const minute = 60_000;
const hour = 60 * minute;

function hex(seed: number): string {
  let value = seed * 2_654_435_761 + 12_345;
  let text = '';
  while (text.length < 64) {
    value = (value * 1_103_515_245 + 12_345) % 2_147_483_648;
    text += value.toString(16).padStart(8, '0');
  }
  return text.slice(0, 64);
}

function port(hostPort: number, containerPort: number, protocol = 'tcp'): Port[] {
  return ['0.0.0.0', '::'].map((hostIp) => ({ hostIp, hostPort, containerPort, protocol }));
}

interface Seed {
  name: string;
  image: string;
  state?: ContainerSummary['state'];
  status?: string;
  health?: ContainerSummary['health'];
  ports?: Port[];
  project?: string;
  command?: string;
}

const seeds: Seed[] = [
  {
    name: 'shop-web-1',
    image: 'nginx:1.29-alpine',
    project: 'shop',
    ports: port(8080, 80),
    health: 'healthy',
  },
  {
    name: 'shop-api-1',
    image: 'registry.internal.example.com/shop/api:2026.11.3',
    project: 'shop',
    ports: [...port(3000, 3000), ...port(9229, 9229)],
  },
  { name: 'shop-db-1', image: 'postgres:18', project: 'shop', health: 'healthy', ports: port(5432, 5432) },
  {
    name: 'shop-worker-1',
    image: 'registry.internal.example.com/shop/api:2026.11.3',
    project: 'shop',
    state: 'exited',
    status: 'Exited (137) 4 minutes ago',
  },
  { name: '블로그-web-1', image: 'ghost:6', project: '블로그', ports: port(2368, 2368), health: 'unhealthy' },
  { name: '블로그-db-1', image: 'mysql:9', project: '블로그', status: 'Up 2 days' },
  { name: 'redis', image: 'redis:8', ports: port(6379, 6379), status: 'Up About an hour' },
  { name: 'dns', image: 'coredns:1.14', ports: port(5353, 53, 'udp') },
  {
    name: 'a-container-with-a-remarkably-long-name-that-somebody-generated-from-a-branch-name',
    image:
      'registry.internal.example.com/platform/integration/very-long-repository-name:feature-4711-rework-everything',
  },
  { name: 'batch-import', image: 'python:3.14-slim', state: 'exited', status: 'Exited (0) 3 hours ago' },
  { name: 'old-migration', image: 'python:3.14-slim', state: 'created', status: 'Created' },
  {
    name: 'grafana',
    image: 'grafana/grafana:12.3.0',
    ports: port(3001, 3000),
    health: 'starting',
    status: 'Up 8 seconds (health: starting)',
  },
  { name: 'paused-job', image: 'busybox:latest', state: 'paused', status: 'Up 25 minutes (Paused)' },
  {
    name: 'crash-loop',
    image: 'busybox:latest',
    state: 'restarting',
    status: 'Restarting (1) 3 seconds ago',
  },
  { name: 'registry', image: 'registry:3', ports: port(5000, 5000), status: 'Up 3 weeks' },
];

export function fakeContainers(count: number): ContainerSummary[] {
  const extra: Seed[] = Array.from({ length: Math.max(0, count - seeds.length) }, (_, index) => ({
    name: `worker-${String(index + 1).padStart(4, '0')}`,
    image: 'busybox:latest',
    ...(index % 7 === 3 && { state: 'exited' as const, status: 'Exited (0) 5 hours ago' }),
  }));
  return [...seeds, ...extra].slice(0, count).map((seed, index) => ({
    id: hex(index + 1),
    name: seed.name,
    image: seed.image,
    imageId: `sha256:${hex(1000 + (index % 5))}`,
    command: seed.command ?? 'docker-entrypoint.sh serve',
    createdAt: Date.now() - (index + 1) * 17 * minute,
    state: seed.state ?? 'running',
    status: seed.status ?? (seed.health === 'healthy' ? 'Up 3 hours (healthy)' : 'Up 3 hours'),
    health: seed.health,
    ports: seed.ports ?? [],
    labels: (seed.project ? { 'com.docker.compose.project': seed.project } : {}) as Record<string, string>,
    networks: [
      seed.project ? `${seed.project}_default` : 'bridge',
      ...(seed.name === 'redis' || seed.name === 'grafana' ? ['shop_default'] : []),
    ],
    compose: seed.project ? { project: seed.project, service: seed.name.split('-')[1] ?? '' } : undefined,
  }));
}

export function fakeDetails(container: ContainerSummary): ContainerDetails {
  const live = container.state === 'running' || container.state === 'paused';
  return {
    ...container,
    startedAt: container.state === 'created' ? undefined : Date.now() - 3 * hour,
    finishedAt: live ? undefined : Date.now() - 4 * minute,
    exitCode: Number(/\((\d+)\)/.exec(container.status)?.[1] ?? 0),
    error: '',
    oomKilled: container.status.includes('(137)'),
    pid: live ? 48_213 : 0,
    restartPolicy: 'unless-stopped',
    tty: false,
    environment: [
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      'NODE_ENV=production',
      'DATABASE_PASSWORD=correct-horse-battery-staple',
      'DATABASE_URL=postgres://shop:s3cret@db:5432/shop',
      'API_TOKEN=ghp_0123456789abcdef',
      'GREETING=안녕하세요',
    ],
    entrypoint: ['docker-entrypoint.sh'],
    arguments: ['serve', '--port', '80'],
    workingDirectory: '/usr/src/app',
    user: 'node',
    hostname: container.id.slice(0, 12),
    mounts: [
      {
        type: 'volume',
        name: 'shop_data',
        source: '/var/lib/gantry/volumes/shop_data/_data',
        destination: '/data',
        readonly: false,
      },
      {
        type: 'bind',
        name: '',
        source: '/home/user/projects/shop/config',
        destination: '/etc/shop',
        readonly: true,
      },
    ],
    endpoints: container.networks.map((network) => ({
      network,
      ip: '172.20.0.4',
      gateway: '172.20.0.1',
      mac: '02:42:ac:14:00:04',
      aliases: [container.name, container.compose?.service ?? ''].filter(Boolean),
    })),
    limits: { memoryBytes: 512 * 1024 * 1024, nanoCpus: 1.5e9, pids: 200 },
    raw: {
      Id: container.id,
      Name: `/${container.name}`,
      State: { Status: container.state, Running: live, ExitCode: 0, Pid: 48_213 },
      Config: { Image: container.image, Env: ['NODE_ENV=production'], Labels: container.labels, Tty: false },
      HostConfig: {
        Memory: 536_870_912,
        NanoCpus: 1_500_000_000,
        RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
      },
      NetworkSettings: { Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }] } },
    },
  };
}

export function fakeImages(): ImageSummary[] {
  const tags = [
    ['busybox:latest'],
    ['nginx:1.29-alpine', 'nginx:alpine'],
    ['postgres:18'],
    ['registry.internal.example.com/shop/api:2026.11.3'],
    ['redis:8'],
    [],
    [
      'registry.internal.example.com/platform/integration/very-long-repository-name:feature-4711-rework-everything',
    ],
    ['python:3.14-slim'],
  ];
  return tags.map((names, index) => ({
    id: `sha256:${hex(1000 + index)}`,
    tags: names,
    createdAt: Date.now() - (index * 53 + 5) * hour,
    sizeBytes:
      [2_010_000, 52_400_000, 451_000_000, 312_000_000, 138_000_000, 88_000_000, 1_820_000_000, 124_000_000][
        index
      ] ?? 0,
    containers: [3, 1, 1, 2, 1, 0, 1, 0][index] ?? 0,
    labels: {},
  }));
}

export function fakeLayers(): ImageLayers {
  const entries = Array.from({ length: 40 }, (_, index) => ({
    path: `/usr/lib/python3/dist-packages/module-${index}/__init__.py`,
    kind: 'file' as const,
    change: (['added', 'changed', 'deleted'] as const)[index % 3] ?? 'added',
    sizeBytes: 400_000 - index * 9_000,
  }));
  const layer = {
    diffId: 'sha256:0',
    added: 14,
    changed: 13,
    deleted: 13,
    wastedBytes: 0,
    entries,
    unlisted: 120,
  };
  return {
    wastedBytes: 4_200_000,
    layers: [
      { ...layer, createdBy: '/bin/sh -c #(nop) ADD file:4f2e9b0c in / ', sizeBytes: 77_800_000 },
      { ...layer, createdBy: 'RUN apt-get update', sizeBytes: 12_300_000, wastedBytes: 4_200_000 },
    ],
  };
}
