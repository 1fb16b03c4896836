import { lstatSync, readdirSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { errnoOf, invalidArgument } from '../lib/errors.ts';
import type { HostConfig } from '../wire/container.ts';
import type { DeviceNode } from './plan.ts';

/** One line of a device policy; null is a wildcard. Of several that match, the last one decides. */
export interface DeviceRule {
  allow: boolean;
  type: 'a' | 'b' | 'c';
  major: number | null;
  minor: number | null;
  /** Letters of `rwm`. */
  access: string;
}

const node = (name: string, major: number, minor: number): DeviceNode => ({
  path: `/dev/${name}`,
  type: 'c',
  major,
  minor,
  mode: 0o666,
  uid: 0,
  gid: 0,
});

/** The nodes of the OCI runtime specification; console, ptmx and the fd symlinks are the shim's. */
const DEFAULT_NODES: readonly DeviceNode[] = [
  node('null', 1, 3),
  node('zero', 1, 5),
  node('full', 1, 7),
  node('random', 1, 8),
  node('urandom', 1, 9),
  node('tty', 5, 0),
];

const allow = (type: 'b' | 'c', major: number | null, minor: number | null, access: string): DeviceRule => ({
  allow: true,
  type,
  major,
  minor,
  access,
});

/** Any node may be made, the default ones and the container's terminals used. */
const DEFAULT_RULES: readonly DeviceRule[] = [
  { allow: false, type: 'a', major: null, minor: null, access: 'rwm' },
  allow('c', null, null, 'm'),
  allow('b', null, null, 'm'),
  ...DEFAULT_NODES.map(({ major, minor }) => allow('c', major, minor, 'rwm')),
  allow('c', 5, 1, 'rwm'),
  allow('c', 5, 2, 'rwm'),
  allow('c', 136, null, 'rwm'),
];

const EVERYTHING: DeviceRule = { allow: true, type: 'a', major: null, minor: null, access: 'rwm' };

/**
 * Nodes to create and the cgroup policy for them. Privileged: everything the host has under /dev.
 * Throws invalid-argument when a device of the request is missing on the host.
 */
export function resolveDevices(hostConfig: HostConfig): { nodes: DeviceNode[]; rules: DeviceRule[] } {
  const requested = (hostConfig.Devices ?? []).flatMap((mapping) => {
    const host = mapping.PathOnHost ?? '';
    const target = mapping.PathInContainer || host;
    if (hostConfig.Privileged === true && host === target) return [];
    const access = validAccess(mapping.CgroupPermissions || 'rwm');
    return devicesAt(host, target).map((device) => ({ device, access }));
  });
  const nodes = requested.map(({ device }) => device);
  if (hostConfig.Privileged === true) {
    return { nodes: mergeNodes([...DEFAULT_NODES, ...hostNodes('/dev'), ...nodes]), rules: [EVERYTHING] };
  }
  return {
    nodes: mergeNodes([...DEFAULT_NODES, ...nodes]),
    rules: [
      ...DEFAULT_RULES,
      ...requested.map(({ device, access }) => allow(device.type, device.major, device.minor, access)),
      ...(hostConfig.DeviceCgroupRules ?? []).map(parseDeviceRule),
    ],
  };
}

/** `c 1:3 rwm`, `*` as wildcard (Documentation/admin-guide/cgroup-v1/devices.rst). */
export function parseDeviceRule(text: string): DeviceRule {
  const match = /^([abc]) (\d+|\*):(\d+|\*) ([rwm]{1,3})$/.exec(text);
  if (match === null) throw invalidArgument(`invalid device cgroup rule format: '${text}'`);
  const number = (field: string | undefined): number | null => (field === '*' ? null : Number(field));
  return {
    allow: true,
    type: match[1] as DeviceRule['type'],
    major: number(match[2]),
    minor: number(match[3]),
    access: match[4] ?? '',
  };
}

function validAccess(access: string): string {
  if (!/^[rwm]{1,3}$/.test(access)) throw invalidArgument(`invalid device mode: ${access}`);
  return access;
}

/** Later definitions of a path win. */
function mergeNodes(nodes: DeviceNode[]): DeviceNode[] {
  return [...new Map(nodes.map((device) => [device.path, device])).values()];
}

function devicesAt(host: string, target: string): DeviceNode[] {
  const fail = (reason: string) =>
    invalidArgument(
      `error gathering device information while adding custom device ${JSON.stringify(host)}: ${reason}`,
    );
  let real: string;
  try {
    real = realpathSync(host);
  } catch (error) {
    throw fail(errnoOf(error) === 'ENOENT' ? 'no such file or directory' : String(errnoOf(error)));
  }
  const found = lstatSync(real).isDirectory()
    ? walk(real, () => true).map((device) => ({ ...device, path: target + device.path.slice(real.length) }))
    : [readNode(real)]
        .filter((device) => device !== undefined)
        .map((device) => ({ ...device, path: target }));
  if (found.length === 0) throw fail('not a device node');
  return found;
}

/** Not the container's business even when privileged: other instances' terminals and shared memory. */
const SKIPPED = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', '.lxc', '.lxd-mounts', '.udev']);

const hostNodes = (root: string): DeviceNode[] => walk(root, (name) => !SKIPPED.has(name));

function walk(directory: string, wanted: (name: string) => boolean): DeviceNode[] {
  const found: DeviceNode[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (!wanted(entry.name)) continue;
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) found.push(...walk(full, wanted));
    else if (entry.isCharacterDevice() || entry.isBlockDevice()) {
      const device = readNode(full);
      if (device !== undefined) found.push(device);
    }
  }
  return found;
}

/** undefined when it is no device, or is gone meanwhile. */
function readNode(file: string): DeviceNode | undefined {
  const stat = lstatSync(file, { throwIfNoEntry: false });
  if (stat === undefined || !(stat.isCharacterDevice() || stat.isBlockDevice())) return undefined;
  return {
    path: file,
    type: stat.isBlockDevice() ? 'b' : 'c',
    ...splitDeviceNumber(BigInt(stat.rdev)),
    mode: stat.mode & 0o777,
    uid: stat.uid,
    gid: stat.gid,
  };
}

/** glibc's 64-bit dev_t (makedev(3)). */
export function splitDeviceNumber(device: bigint): { major: number; minor: number } {
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  };
}
