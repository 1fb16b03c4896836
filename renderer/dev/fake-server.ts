// A stand-in for electron/web.ts while drawing: the same contract over the same WebSocket, data from memory.
//   npx rolldown renderer/dev/fake-server.ts --platform node -o build/dev/fake-server.mjs
//   node build/dev/fake-server.mjs [--port 7788] [--containers 40] [--networks 0] [--mode normal|empty|slow|error|disconnected]
// oxlint-disable no-unmodified-loop-condition, no-restricted-imports -- development only, never part of the bundle
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { implement, ORPCError } from '@orpc/server';
import { RPCHandler } from '@orpc/server/ws';
import { WebSocketServer } from 'ws';
import { contract } from '../../electron/api/contract.ts';
import type {
  ComposeProgress,
  ContainerSummary,
  EngineEvent,
  Settings,
  VolumeSummary,
} from '../../electron/api/types.ts';
import { fakeBuildLog, fakeBuilds, fakeDockerfile, fakeStages } from './fake-builds.ts';
import { fakeNetworkDetails, fakeNetworkLinks, fakeNetworks, fakeReach } from './fake-networks.ts';
import { fakeContainers, fakeDetails, fakeImages, fakeLayers } from './fake-data.ts';
import { createFakeTerminals, fakeLogs, fakeStats, fakeTransfer } from './fake-streams.ts';

const { values: flags } = parseArgs({
  options: {
    port: { type: 'string', default: '7788' },
    containers: { type: 'string', default: '40' },
    networks: { type: 'string', default: '0' },
    mode: { type: 'string', default: 'normal' },
    root: { type: 'string', default: 'build/renderer' },
  },
});
const empty = flags.mode === 'empty';
const containers = empty ? [] : fakeContainers(Number(flags.containers));
const networks = () => fakeNetworks(containers, Number(flags.networks));
let images = empty ? [] : fakeImages();
let settings: Settings = { theme: 'system', language: 'system' };
const terminals = createFakeTerminals();
const eventListeners = new Set<(event: EngineEvent) => void>();

function emit(type: string, action: string, id: string, attributes: Record<string, string> = {}): void {
  for (const listener of eventListeners) listener({ type, action, id, attributes, time: Date.now() });
}

const users = (...names: string[]) =>
  names.map((name) => ({ id: name, name, running: true, destination: '/data' }));

function find(id: string): ContainerSummary {
  const found = containers.find((container) => container.id === id || container.name === id);
  if (!found) throw new ORPCError('NOT_FOUND', { message: `No such container: ${id}` });
  return found;
}

async function change(
  id: string,
  action: string,
  state: ContainerSummary['state'],
  status: string,
): Promise<void> {
  const container = find(id);
  await wait(300);
  if (container.name === 'old-migration') {
    throw new ORPCError('CONFLICT', {
      message:
        'driver failed programming external connectivity: port 0.0.0.0:8080 is held by container shop-web-1',
    });
  }
  container.state = state;
  container.status = status;
  emit('container', action, container.id, { name: container.name });
}

async function answer<T>(value: () => T): Promise<T> {
  if (flags.mode === 'slow') await wait(60_000);
  if (flags.mode === 'error')
    throw new ORPCError('INTERNAL_SERVER_ERROR', { message: 'the engine answered with 500: disk I/O error' });
  return value();
}

async function* progress(steps: ComposeProgress[]): AsyncGenerator<ComposeProgress> {
  for (const step of steps) {
    await wait(350);
    yield step;
  }
}

const template =
  'services:\n  web:\n    image: nginx:1.29-alpine\n    ports:\n      - "8080:80"\n    depends_on:\n      - db\n  db:\n    image: postgres:18\n';
const files = new Map([['shop', template]]);
const os = implement(contract);

const router = os.router({
  connection: {
    watch: os.connection.watch.handler(async function* ({ signal }) {
      const socket = '/run/gantry/engine.sock';
      if (flags.mode === 'disconnected') {
        yield { state: 'disconnected' as const, socket, message: `connect ENOENT ${socket}` };
      } else {
        yield {
          state: 'connected' as const,
          engine: { name: 'Gantry', version: '0.1.0', apiVersion: '1.51', gantry: true },
          socket,
        };
      }
      await wait(2 ** 31 - 1, undefined, { signal });
    }),
  },
  events: {
    watch: os.events.watch.handler(async function* ({ signal }) {
      const queue: EngineEvent[] = [];
      let wake: () => void = () => undefined;
      const listener = (event: EngineEvent) => {
        queue.push(event);
        wake();
      };
      eventListeners.add(listener);
      signal?.addEventListener('abort', () => wake());
      try {
        while (!signal?.aborted) {
          const event = queue.shift();
          if (event) yield event;
          else
            await new Promise<void>((resolve) => {
              wake = resolve;
            });
        }
      } finally {
        eventListeners.delete(listener);
      }
    }),
  },
  system: {
    summary: os.system.summary.handler(() =>
      answer(() => ({
        name: 'Gantry',
        version: '0.1.0',
        apiVersion: '1.51',
        kernel: '6.18.0-1-amd64',
        operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
        architecture: 'x86_64',
        cpus: 4,
        memoryBytes: 8_348_975_104,
        cgroupVersion: '1',
        cgroupDriver: 'cgroupfs',
        storageDriver: 'overlay',
        rootDirectory: '/var/lib/gantry',
        containersRunning: 12,
        containersPaused: 1,
        containersStopped: 4,
        images: images.length,
        warnings: ['WARNING: No swap limit support'],
        diskUsage: [
          {
            kind: 'images' as const,
            count: 8,
            active: 6,
            sizeBytes: 2_987_000_000,
            reclaimableBytes: 212_000_000,
          },
          {
            kind: 'containers' as const,
            count: 17,
            active: 12,
            sizeBytes: 418_000_000,
            reclaimableBytes: 91_000_000,
          },
          {
            kind: 'volumes' as const,
            count: 5,
            active: 3,
            sizeBytes: 1_204_000_000,
            reclaimableBytes: 640_000_000,
          },
        ],
      })),
    ),
  },
  containers: {
    list: os.containers.list.handler(() => answer(() => containers)),
    inspect: os.containers.inspect.handler(({ input }) => answer(() => fakeDetails(find(input.id)))),
    run: os.containers.run.handler(async ({ input }) => {
      await wait(500);
      if (input.ports.some((port) => port.hostPort === 8080)) {
        throw new ORPCError('CONFLICT', {
          message: 'port 0.0.0.0:8080 is already used by container shop-web-1',
          data: {
            code: 'CONFLICT',
            message: 'port 0.0.0.0:8080 is already used by container shop-web-1',
            hint: 'the next free port is 8081',
          },
        });
      }
      const created = {
        ...fakeContainers(1)[0]!,
        id: Math.random().toString(16).slice(2).padEnd(64, '0'),
        name: input.name ?? 'brave_hopper',
        image: input.image,
        compose: undefined,
      };
      containers.push(created);
      emit('container', 'start', created.id);
      return { id: created.id, warnings: [] };
    }),
    start: os.containers.start.handler(({ input }) =>
      change(input.id, 'start', 'running', 'Up Less than a second'),
    ),
    stop: os.containers.stop.handler(({ input }) =>
      change(input.id, 'die', 'exited', 'Exited (0) 1 second ago'),
    ),
    restart: os.containers.restart.handler(({ input }) =>
      change(input.id, 'restart', 'running', 'Up 1 second'),
    ),
    pause: os.containers.pause.handler(({ input }) =>
      change(input.id, 'pause', 'paused', 'Up 3 hours (Paused)'),
    ),
    unpause: os.containers.unpause.handler(({ input }) =>
      change(input.id, 'unpause', 'running', 'Up 3 hours'),
    ),
    kill: os.containers.kill.handler(({ input }) =>
      change(input.id, 'die', 'exited', 'Exited (137) 1 second ago'),
    ),
    remove: os.containers.remove.handler(async ({ input }) => {
      await change(input.id, 'destroy', 'removing', 'Removing');
      containers.splice(containers.indexOf(find(input.id)), 1);
    }),
    rename: os.containers.rename.handler(({ input }) => {
      find(input.id).name = input.name;
      emit('container', 'rename', input.id);
    }),
    prune: os.containers.prune.handler(() => ({ removed: ['a', 'b'], reclaimedBytes: 12_000_000 })),
    written: os.containers.written.handler(() =>
      answer(() => ({
        bytes: 851_000_000,
        files: 1321,
        truncated: false,
        directories: [
          ['/var/lib/mysql', 812_000_000],
          ['/var/cache/apt', 39_000_000],
        ].map(([path, addedBytes]) => ({
          path: path as string,
          addedFiles: 640,
          addedBytes: addedBytes as number,
          changedFiles: 2,
          changedBytes: 0,
          deletedFiles: 0,
        })),
      })),
    ),
    moveToVolume: os.containers.moveToVolume.handler(() => undefined),
    top: os.containers.top.handler(() => ({ titles: ['PID', 'CMD'], processes: [['1', 'serve']] })),
    stats: os.containers.stats.handler(({ input, signal }) =>
      fakeStats(containers.indexOf(find(input.id)) + 1, signal),
    ),
    logs: os.containers.logs.handler(({ input, signal }) => fakeLogs(input.follow, signal)),
  },
  terminal: {
    shells: os.terminal.shells.handler(({ input }) =>
      find(input.id).name === 'dns' ? [] : ['/bin/bash', '/bin/sh'],
    ),
    open: os.terminal.open.handler(({ signal }) => terminals.open(signal)),
    write: os.terminal.write.handler(({ input }) => {
      terminals.write(input.sessionId, input.data);
    }),
    resize: os.terminal.resize.handler(() => undefined),
  },
  files: {
    list: os.files.list.handler(({ input }) =>
      answer(() => [
        ...['bin', 'etc', 'usr', 'var', '한국어 문서'].map((name) => ({
          name,
          type: 'directory' as const,
          sizeBytes: 4096,
          mode: 0o755,
          modifiedAt: Date.now() - 9e8,
          linkTarget: undefined,
        })),
        {
          name: 'lib64',
          type: 'symlink' as const,
          sizeBytes: 9,
          mode: 0o777,
          modifiedAt: Date.now() - 9e8,
          linkTarget: 'usr/lib64',
        },
        {
          name: 'docker-entrypoint.sh',
          type: 'file' as const,
          sizeBytes: 1620,
          mode: 0o755,
          modifiedAt: Date.now() - 5e7,
          linkTarget: undefined,
        },
        {
          name: input.path === '/' ? 'README.md' : 'nested.txt',
          type: 'file' as const,
          sizeBytes: 48_211,
          mode: 0o644,
          modifiedAt: Date.now() - 5e6,
          linkTarget: undefined,
        },
      ]),
    ),
    read: os.files.read.handler(() => ({
      encoding: 'utf8' as const,
      content: '#!/bin/sh\nset -e\n\nexec "$@"\n',
      truncated: false,
    })),
    write: os.files.write.handler(() => undefined),
    makeDirectory: os.files.makeDirectory.handler(() => undefined),
    remove: os.files.remove.handler(() => undefined),
    rename: os.files.rename.handler(() => undefined),
    uploadBegin: os.files.uploadBegin.handler(() => ({ uploadId: 'file' })),
    uploadChunk: os.files.uploadChunk.handler(() => undefined),
    uploadFinish: os.files.uploadFinish.handler(() => undefined),
    download: os.files.download.handler(async function* () {
      yield { fileName: 'README.md', chunk: Buffer.from('hello\n').toString('base64') };
    }),
  },
  images: {
    list: os.images.list.handler(() => answer(() => images)),
    inspect: os.images.inspect.handler(({ input }) => {
      const image =
        images.find((candidate) => candidate.id === input.id || candidate.tags.includes(input.id)) ??
        images[0]!;
      return {
        ...image,
        architecture: 'amd64',
        os: 'linux',
        command: ['sh'],
        entrypoint: [],
        environment: ['PATH=/usr/bin:/bin'],
        exposedPorts: ['80/tcp'],
        volumes: ['/data'],
        workingDirectory: '/',
        user: '',
        history: [
          {
            createdAt: Date.now() - 9e9,
            createdBy: '/bin/sh -c #(nop) ADD file:4f2e9b0c in / ',
            sizeBytes: 77_800_000,
            comment: '',
          },
          {
            createdAt: Date.now() - 8e9,
            createdBy:
              'RUN /bin/sh -c apt-get update && apt-get install -y --no-install-recommends ca-certificates curl # buildkit',
            sizeBytes: 12_300_000,
            comment: 'buildkit.dockerfile.v0',
          },
          {
            createdAt: Date.now() - 8e9,
            createdBy: 'CMD ["sh"]',
            sizeBytes: 0,
            comment: 'buildkit.dockerfile.v0',
          },
        ],
        raw: { Id: image.id, RepoTags: image.tags },
      };
    }),
    remove: os.images.remove.handler(({ input }) => {
      const image = images.find(
        (candidate) => candidate.id === input.id || candidate.tags.includes(input.id),
      );
      if (image && image.containers > 0 && !input.force) {
        throw new ORPCError('CONFLICT', {
          message: `conflict: unable to remove repository reference "${image.tags[0]}" (must force) - container a1b2c3d4e5f6 is using its referenced image`,
        });
      }
      images = images.filter((candidate) => candidate !== image);
      emit('image', 'delete', input.id);
    }),
    tag: os.images.tag.handler(({ input }) => {
      images.find((candidate) => candidate.id === input.id)?.tags.push(input.tag);
      emit('image', 'tag', input.id);
    }),
    pull: os.images.pull.handler(() => fakeTransfer()),
    push: os.images.push.handler(() => fakeTransfer()),
    freshness: os.images.freshness.handler(() => ({ state: 'newer' as const, digest: undefined })),
    layers: os.images.layers.handler(() => fakeLayers()),
    save: os.images.save.handler(async function* () {
      yield { chunk: Buffer.from('no archive').toString('base64') };
    }),
    prunePreview: os.images.prunePreview.handler(() => ({
      images: images
        .filter(({ containers }) => containers <= 0)
        .map(({ id, tags, sizeBytes }) => ({ id, names: tags, sizeBytes })),
      reclaimedBytes: 88_000_000,
    })),
    loadBegin: os.images.loadBegin.handler(() => ({ uploadId: 'u1' })),
    loadChunk: os.images.loadChunk.handler(() => wait(200)),
    loadFinish: os.images.loadFinish.handler(() => ({ messages: ['Loaded image: busybox:latest'] })),
    prune: os.images.prune.handler(() => ({ removed: ['x'], reclaimedBytes: 88_000_000 })),
  },
  registries: {
    accounts: os.registries.accounts.handler(() => [
      { server: 'docker.io', username: 'someone', keptBy: 'keychain' as const },
      { server: 'registry.example.com:5000', username: 'builder', keptBy: 'file' as const },
    ]),
    login: os.registries.login.handler(() => wait(500)),
    logout: os.registries.logout.handler(() => undefined),
    repositories: os.registries.repositories.handler(() => ['team/api', 'team/web', 'base/debian']),
    tags: os.registries.tags.handler(() => ['latest', '2.1', '2.0']),
  },
  volumes: {
    list: os.volumes.list.handler(() =>
      answer((): VolumeSummary[] =>
        empty
          ? []
          : [
              {
                name: 'shop_data',
                driver: 'local',
                mountpoint: '/var/lib/gantry/volumes/shop_data/_data',
                createdAt: Date.now() - 9e8,
                labels: { 'com.docker.compose.project': 'shop' },
                options: {},
                sizeBytes: 812_000_000,
                usedBy: users('shop-db-1', 'shop-api-1'),
              },
              {
                name: '4f2e9b0c1d3a5b7c9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f9a0b1c2d',
                driver: 'local',
                mountpoint: '/var/lib/gantry/volumes/4f2e/_data',
                createdAt: Date.now() - 9e7,
                labels: {},
                options: {},
                sizeBytes: 1_200,
                usedBy: [],
              },
              {
                name: '백업',
                driver: 'local',
                mountpoint: '/var/lib/gantry/volumes/백업/_data',
                createdAt: undefined,
                labels: {},
                options: {},
                sizeBytes: undefined,
                usedBy: users('redis'),
              },
            ],
      ),
    ),
    create: os.volumes.create.handler(({ input }) => {
      emit('volume', 'create', input.name);
      return { name: input.name };
    }),
    remove: os.volumes.remove.handler(() => {
      throw new ORPCError('CONFLICT', { message: 'remove shop_data: volume is in use - [a1b2c3d4e5f6]' });
    }),
    inspect: os.volumes.inspect.handler(({ input }) => ({
      Name: input.name,
      Driver: 'local',
      Options: null,
      Scope: 'local',
    })),
    prune: os.volumes.prune.handler(() => ({ removed: [], reclaimedBytes: 0 })),
    backup: os.volumes.backup.handler(async function* () {
      yield { chunk: Buffer.from('hello\n').toString('base64') };
    }),
    restoreBegin: os.volumes.restoreBegin.handler(() => ({ uploadId: 'archive' })),
    restoreChunk: os.volumes.restoreChunk.handler(() => undefined),
    restoreFinish: os.volumes.restoreFinish.handler(() => ({ safetyCopy: 'shop_data-before-restore' })),
    clone: os.volumes.clone.handler(({ input }) => ({ name: input.to })),
  },
  networks: {
    list: os.networks.list.handler(() => answer(networks)),
    create: os.networks.create.handler(() => {
      throw new ORPCError('FORBIDDEN', {
        message: 'invalid pool request: Pool overlaps with other one on this address space',
      });
    }),
    remove: os.networks.remove.handler(() => {
      throw new ORPCError('FORBIDDEN', {
        message:
          'error while removing network: network shop_default id 4f2e9b0c has active endpoints (name:"shop-web-1" id:"a1b2c3d4e5f6")',
      });
    }),
    inspect: os.networks.inspect.handler(({ input }) => {
      const network = networks().find(({ id, name }) => id === input.id || name === input.id);
      if (!network) throw new ORPCError('NOT_FOUND', { message: `network ${input.id} not found` });
      return answer(() => fakeNetworkDetails(network, containers));
    }),
    prune: os.networks.prune.handler(() => ({ removed: [], reclaimedBytes: 0 })),
    connect: os.networks.connect.handler(() => wait(300)),
    disconnect: os.networks.disconnect.handler(() => wait(300)),
    links: os.networks.links.handler(() => fakeNetworkLinks(networks())),
    hostInterfaces: os.networks.hostInterfaces.handler(() => [
      { name: 'enp3s0', up: true },
      { name: 'wlp2s0', up: false },
    ]),
    reach: os.networks.reach.handler(async ({ input }) => {
      await wait(400);
      return fakeReach(input, (id) => containers.find((container) => container.id === id)?.name ?? id);
    }),
  },
  compose: {
    projects: os.compose.projects.handler(() =>
      answer(() => [
        ...[...files.keys()].map((project) => ({
          project,
          path: `/root/.local/share/gantry/compose/${project}/compose.yaml`,
          services:
            project === 'shop'
              ? [
                  { service: 'web', containers: 1, running: 1 },
                  { service: 'db', containers: 1, running: 1 },
                  { service: 'worker', containers: 1, running: 0 },
                ]
              : [],
        })),
        ...(empty
          ? []
          : [
              {
                project: '블로그',
                path: undefined,
                services: [{ service: 'web', containers: 1, running: 1 }],
              },
            ]),
      ]),
    ),
    read: os.compose.read.handler(({ input }) => ({
      project: input.project,
      path: `/root/.local/share/gantry/compose/${input.project}/compose.yaml`,
      text: files.get(input.project) ?? '',
    })),
    save: os.compose.save.handler(({ input }) => {
      files.set(input.project, input.text);
      return { project: input.project, path: `/compose/${input.project}/compose.yaml`, text: input.text };
    }),
    validate: os.compose.validate.handler(({ input }) => {
      const at = input.text.split('\n').findIndex((line) => line.includes('build:'));
      return at < 0
        ? []
        : [
            {
              severity: 'error' as const,
              message: "services.web: 'build' is not supported yet",
              line: at + 1,
              column: 5,
              endLine: at + 1,
              endColumn: 11,
            },
          ];
    }),
    schema: os.compose.schema.handler(() => ({
      properties: {
        services: {
          patternProperties: {
            '.': {
              properties: {
                image: { type: 'string', description: 'image to run' },
                ports: {},
                environment: {},
                volumes: {},
                depends_on: {},
                restart: {},
                labels: {},
                command: {},
                networks: {},
              },
            },
          },
        },
        networks: {},
        volumes: {},
      },
    })),
    up: os.compose.up.handler(() =>
      progress([
        { kind: 'network', name: 'shop_default', status: 'Creating' },
        { kind: 'network', name: 'shop_default', status: 'Created' },
        { kind: 'container', name: 'shop-db-1', status: 'Creating' },
        { kind: 'container', name: 'shop-db-1', status: 'Started' },
        { kind: 'container', name: 'shop-web-1', status: 'Creating' },
        {
          kind: 'container',
          name: 'shop-web-1',
          status: 'Error',
          message: 'port 0.0.0.0:8080 is already used by container proxy',
        },
      ]),
    ),
    down: os.compose.down.handler(() =>
      progress([
        { kind: 'container', name: 'shop-web-1', status: 'Stopping' },
        { kind: 'container', name: 'shop-web-1', status: 'Removed' },
        { kind: 'network', name: 'shop_default', status: 'Removed' },
      ]),
    ),
  },
  builds: {
    list: os.builds.list.handler(() => answer(() => (empty ? [] : fakeBuilds()))),
    get: os.builds.get.handler(({ input }) =>
      answer(() => {
        const build = fakeBuilds().find(({ id }) => id === input.id);
        if (!build) throw new ORPCError('NOT_FOUND', { message: `No such build: ${input.id}` });
        return { ...build, log: fakeBuildLog(Date.now() - 9000) };
      }),
    ),
    describe: os.builds.describe.handler(() => ({ diagnostics: [], stages: fakeStages })),
    read: os.builds.read.handler(() => ({ text: fakeDockerfile })),
    save: os.builds.save.handler(() => undefined),
    run: os.builds.run.handler(async function* () {
      for (const message of fakeBuildLog(undefined)) {
        await wait(300);
        yield [{ ...message, time: Date.now() }];
      }
    }),
  },
  settings: {
    get: os.settings.get.handler(() => settings),
    set: os.settings.set.handler(({ input }) => {
      settings = { ...settings, ...input };
      return settings;
    }),
  },
  windows: {
    openLogs: os.windows.openLogs.handler(({ input }) => ({ opened: false, route: `#/logs/${input.id}` })),
    chooseFolder: os.windows.chooseFolder.handler(() => ({ folder: '/home/me/shop' })),
  },
});

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const server = createServer((request, response) => {
  const name = new URL(request.url ?? '/', 'http://localhost').pathname;
  const file = path.join(flags.root, name === '/' ? 'index.html' : path.normalize(name));
  readFile(file).then(
    (content) => {
      response.writeHead(200, {
        'content-type': types[path.extname(file)] ?? 'application/octet-stream',
        'content-security-policy':
          "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'",
      });
      response.end(content);
    },
    () => response.writeHead(404).end(),
  );
});
const handler = new RPCHandler(router);
new WebSocketServer({ server, path: '/api', handleProtocols: () => 'gantry' }).on('connection', (socket) => {
  void handler.upgrade(socket);
});
setInterval(
  () => emit('container', 'exec_start: sh', containers[0]?.id ?? '', { name: 'shop-web-1', image: 'nginx' }),
  5000,
).unref();
server.listen(Number(flags.port), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${flags.port}/#token=dev`);
});
