import os from 'node:os';
import { invalidArgument } from '../../lib/errors.ts';
import { VERSION } from '../../lib/version.ts';
import { goArchitecture } from '../../system/host.ts';
import type { Reply, Route } from '../route.ts';
import { MAXIMUM_API_VERSION, MINIMUM_API_VERSION } from '../versions.ts';

/** What each domain takes on disk, in the shapes of `GET /system/df`. */
export interface DiskUsage {
  /** `LayersSize`: bytes of all layers, each counted once. */
  layersSizeBytes(): Promise<number>;
  images(): Promise<object[]>;
  containers(): Promise<object[]>;
  volumes(): Promise<object[]>;
  buildCache(): Promise<object[]>;
}

interface SystemRouteDependencies {
  info: () => Promise<object>;
  diskUsage: DiskUsage;
}

const DISK_USAGE_TYPES = ['container', 'image', 'volume', 'build-cache'];

export function systemRoutes({ info, diskUsage }: SystemRouteDependencies): Route[] {
  return [
    { method: 'GET', path: '/_ping', handler: ({ reply }) => reply.text(200, 'OK', PING_HEADERS) },
    { method: 'HEAD', path: '/_ping', handler: ({ reply }) => replyHeadPing(reply) },
    { method: 'OPTIONS', path: '/', handler: ({ reply }) => reply.empty(200) },
    { method: 'OPTIONS', path: '/{anything...}', handler: ({ reply }) => reply.empty(200) },
    { method: 'GET', path: '/version', handler: ({ reply }) => reply.json(200, versionInfo()) },
    { method: 'GET', path: '/info', handler: async ({ reply }) => reply.json(200, await info()) },
    {
      method: 'GET',
      path: '/system/df',
      async handler({ query, reply }) {
        const asked = query.all('type');
        const unknown = asked.find((type) => !DISK_USAGE_TYPES.includes(type));
        if (unknown !== undefined) throw invalidArgument(`unknown object type: ${unknown}`);
        const types = asked.length > 0 ? asked : DISK_USAGE_TYPES;
        reply.json(200, await collectDiskUsage(diskUsage, types));
      },
    },
  ];
}

/** `Builder-Version: 1`: the CLI must not assume BuildKit behind this socket. */
const PING_HEADERS = {
  'Builder-Version': '1',
  'Cache-Control': 'no-cache, no-store, must-revalidate',
  Pragma: 'no-cache',
  Swarm: 'inactive',
};

function replyHeadPing(reply: Reply): void {
  reply.empty(200, {
    ...PING_HEADERS,
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': '0',
  });
}

async function collectDiskUsage(usage: DiskUsage, types: string[]): Promise<object> {
  const collect = async (type: string, read: () => Promise<object[]>): Promise<object[] | null> =>
    types.includes(type) ? read() : null;
  const [layers, images, containers, volumes, buildCache] = await Promise.all([
    types.includes('image') ? usage.layersSizeBytes() : 0,
    collect('image', () => usage.images()),
    collect('container', () => usage.containers()),
    collect('volume', () => usage.volumes()),
    collect('build-cache', () => usage.buildCache()),
  ]);
  return {
    LayersSize: layers,
    Images: images,
    Containers: containers,
    Volumes: volumes,
    BuildCache: buildCache,
  };
}

function versionInfo(): object {
  const common = {
    ApiVersion: MAXIMUM_API_VERSION,
    MinAPIVersion: MINIMUM_API_VERSION,
    GitCommit: '',
    GoVersion: '',
    Os: 'linux',
    Arch: goArchitecture(),
    KernelVersion: os.release(),
    BuildTime: '',
  };
  return {
    Platform: { Name: 'Gantry' },
    Components: [
      { Name: 'Engine', Version: VERSION, Details: { ...common, Experimental: 'false' } },
      { Name: 'Node.js', Version: process.versions.node, Details: {} },
    ],
    Version: VERSION,
    ...common,
  };
}
