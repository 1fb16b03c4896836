import { describe, expect, test } from 'vitest';
import type { ContainerCreateRequest, MountRequest } from '../../wire/container.ts';
import type { ApiVersion } from '../route.ts';
import { negotiateVersion } from '../versions.ts';
import { createRequestOf, inspectViewOf, summaryOf } from './container-versions.ts';

const version = (text: string): ApiVersion => negotiateVersion(`/v${text}/x`).apiVersion;

test('a list shows annotations since 1.46 and health since 1.52', () => {
  const summary = { Id: 'a', Health: { Status: 'none' }, HostConfig: { NetworkMode: 'x', Annotations: {} } };
  expect(summaryOf(version('1.52'))(summary)).toEqual(summary);
  expect(summaryOf(version('1.51'))(summary)).toEqual({ Id: 'a', HostConfig: summary.HostConfig });
  expect(summaryOf(version('1.45'))(summary)).toEqual({ Id: 'a', HostConfig: { NetworkMode: 'x' } });
});

test('before 1.45 Aliases held the names that DNSNames hold, on networks of the user', () => {
  const view = {
    Id: '0123456789abcdef',
    Config: { Hostname: 'host' },
    NetworkSettings: { Networks: { mine: { Aliases: ['web', 'host'] }, bridge: { Aliases: null } } },
  };
  expect(inspectViewOf(view, version('1.45'))).toBe(view);
  expect(inspectViewOf(view, version('1.44'))).toMatchObject({
    NetworkSettings: {
      Networks: { mine: { Aliases: ['web', 'host', '0123456789ab'] }, bridge: { Aliases: null } },
    },
  });
});

describe('a request to create', () => {
  const mount = (part: MountRequest): ContainerCreateRequest => ({ HostConfig: { Mounts: [part] } });

  test('of today is left as it is', () => {
    const request: ContainerCreateRequest = {
      Healthcheck: { StartInterval: 5 },
      NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } },
      HostConfig: {
        ConsoleSize: [1, 2],
        Annotations: { a: 'b' },
        Mounts: [{ Type: 'volume', VolumeOptions: { Subpath: 'x' } }],
      },
    };
    expect(createRequestOf(request, version('1.56'))).toEqual(request);
  });

  test('loses what its version did not have', () => {
    const request = {
      Healthcheck: { StartInterval: 5 },
      HostConfig: { Annotations: {}, ConsoleSize: [1, 2] },
    };
    expect(createRequestOf(request as ContainerCreateRequest, version('1.39'))).toEqual({
      Healthcheck: { StartInterval: 0 },
      HostConfig: { IpcMode: 'shareable' },
    });
    const bind = { Type: 'bind', BindOptions: { NonRecursive: true, CreateMountpoint: true } };
    expect(createRequestOf(mount(bind), version('1.39')).HostConfig?.Mounts).toEqual([
      { Type: 'bind', BindOptions: {} },
    ]);
    expect(createRequestOf(mount({ Type: 'bind', TmpfsOptions: {} }), version('1.41'))).toMatchObject({
      HostConfig: { Mounts: [{ Type: 'bind' }] },
    });
  });

  test.each([
    [
      '1.42',
      mount({ Type: 'bind', VolumeOptions: {} }),
      'VolumeOptions must not be specified on mount type "bind"',
    ],
    [
      '1.43',
      { NetworkingConfig: { EndpointsConfig: { a: {}, b: {} } } },
      'Container cannot be created with multiple network endpoints: a, b',
    ],
    [
      '1.43',
      mount({ Type: 'bind', BindOptions: { ReadOnlyForceRecursive: true } }),
      'BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer',
    ],
    [
      '1.44',
      mount({ Type: 'volume', VolumeOptions: { Subpath: 'x' } }),
      'VolumeOptions.Subpath needs API v1.45 or newer',
    ],
    ['1.47', mount({ Type: 'image' }), 'Mount type "Image" needs API v1.48 or newer'],
  ])('of version %s is refused what it cannot mean', (text, request: ContainerCreateRequest, message) => {
    expect(() => createRequestOf(request, version(text))).toThrow(message);
  });
});
