import { describe, expect, test } from 'vitest';
import type { ContainerCreateRequest } from '../wire/container.ts';
import { adaptCreate } from './create-versions.ts';

/** 1.x. */
const version = (minor: number) => ({ atLeast: (other: string) => minor >= Number(other.split('.')[1]) });
const MAC = '02:42:ac:11:00:02';

describe('a container-wide MAC address', () => {
  const request: ContainerCreateRequest = { Image: 'x', MacAddress: MAC };

  test('moves to the endpoint of the main network, with a warning since 1.44', () => {
    expect(adaptCreate(request, version(43))).toMatchObject({
      request: { NetworkingConfig: { EndpointsConfig: { default: { MacAddress: MAC } } } },
      warnings: [],
    });
    const named = { ...request, HostConfig: { NetworkMode: 'web' } };
    const adapted = adaptCreate(named, version(56));
    expect(adapted.request.NetworkingConfig?.EndpointsConfig).toEqual({ web: { MacAddress: MAC } });
    expect(adapted.warnings).toEqual([expect.stringContaining('MacAddress field is now deprecated')]);
  });

  test('is refused where it has no place', () => {
    const host = { ...request, HostConfig: { NetworkMode: 'host' } };
    expect(() => adaptCreate(host, version(43))).toThrow(
      'conflicting options: mac-address and the network mode',
    );
    const other = { ...request, NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } };
    expect(() => adaptCreate(other, version(44))).toThrow('HostConfig.NetworkMode must match the identity');
    const mismatch = {
      ...request,
      NetworkingConfig: { EndpointsConfig: { bridge: { MacAddress: 'other' } } },
    };
    expect(() => adaptCreate(mismatch, version(44))).toThrow('must match the endpoint-specific MAC address');
  });
});

test('a runtime beside HostConfig is taken for one inside, unless there is one', () => {
  expect(adaptCreate({ Runtime: 'runc' }, version(56)).request).toEqual({ HostConfig: { Runtime: 'runc' } });
  const both = { Runtime: 'runc', HostConfig: { Runtime: 'crun' } };
  expect(adaptCreate(both, version(56)).request.HostConfig?.Runtime).toBe('crun');
});

test('read-only binds are read-only to the bottom since 1.44', () => {
  expect(adaptCreate({}, version(43)).readonlyNonRecursive).toBe(true);
  expect(adaptCreate({}, version(44)).readonlyNonRecursive).toBe(false);
});

test('an endpoint has a gateway priority since 1.48', () => {
  const request = { NetworkingConfig: { EndpointsConfig: { a: { GwPriority: 5 }, b: null } } };
  expect(adaptCreate(request, version(47)).request.NetworkingConfig?.EndpointsConfig).toEqual({
    a: {},
    b: null,
  });
  expect(adaptCreate(request, version(48)).request).toMatchObject(request);
});
