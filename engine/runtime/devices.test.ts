import { expect, test } from 'vitest';
import { parseDeviceRule, resolveDevices, splitDeviceNumber } from './devices.ts';

test('a container gets the six standard nodes and rules that begin with deny-all', () => {
  const { nodes, rules } = resolveDevices({});
  expect(nodes.map((device) => device.path)).toEqual([
    '/dev/null',
    '/dev/zero',
    '/dev/full',
    '/dev/random',
    '/dev/urandom',
    '/dev/tty',
  ]);
  expect(rules[0]).toEqual({ allow: false, type: 'a', major: null, minor: null, access: 'rwm' });
});

test('a host device is mapped with its numbers and permissions', () => {
  const { nodes, rules } = resolveDevices({
    Devices: [{ PathOnHost: '/dev/null', PathInContainer: '/dev/nothing', CgroupPermissions: 'r' }],
  });
  expect(nodes.at(-1)).toMatchObject({ path: '/dev/nothing', type: 'c', major: 1, minor: 3 });
  expect(rules.at(-1)).toEqual({ allow: true, type: 'c', major: 1, minor: 3, access: 'r' });
});

test("a missing host device and one that is none are refused with Docker's text", () => {
  const request = (PathOnHost: string) => () => resolveDevices({ Devices: [{ PathOnHost }] });
  expect(request('/dev/gantry-none')).toThrow(
    'error gathering device information while adding custom device "/dev/gantry-none": no such file or directory',
  );
  expect(request('/etc/passwd')).toThrow('not a device node');
});

test('privileged sees the host devices but neither its terminals nor its shared memory', () => {
  const { nodes, rules } = resolveDevices({ Privileged: true });
  expect(nodes.filter((device) => /^\/dev\/(pts|shm|mqueue|console)/.test(device.path))).toEqual([]);
  expect(new Set(nodes.map((device) => device.path)).size).toBe(nodes.length);
  expect(rules).toEqual([{ allow: true, type: 'a', major: null, minor: null, access: 'rwm' }]);
});

test('device cgroup rules are parsed strictly', () => {
  expect(parseDeviceRule('c 189:* rw')).toEqual({
    allow: true,
    type: 'c',
    major: 189,
    minor: null,
    access: 'rw',
  });
  expect(() => parseDeviceRule('c 1:3')).toThrow("invalid device cgroup rule format: 'c 1:3'");
  expect(() => parseDeviceRule('c 1:3 rwm\na *:* rwm')).toThrow('invalid device cgroup rule format');
});

test('device numbers beyond eight bits are split as makedev packs them', () => {
  expect(splitDeviceNumber(0x103n)).toEqual({ major: 1, minor: 3 });
  expect(splitDeviceNumber((259n << 8n) | 0x12n | (0x345n << 20n))).toEqual({ major: 259, minor: 0x34512 });
});
