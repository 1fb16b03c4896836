import { expect, it } from 'vitest';
import type { ContainerCreateRequest } from '../wire/container.ts';
import { checkRequestTypes } from './config-types.ts';

it('accepts what clients send, null for absent included', () => {
  checkRequestTypes({
    Image: 'busybox',
    Cmd: 'ls',
    Entrypoint: ['sh'],
    Env: null,
    ExposedPorts: { '80/tcp': {} },
    Labels: { a: '' },
    Healthcheck: null,
    HostConfig: {
      PortBindings: { '80/tcp': [{ HostPort: '1' }], '81/tcp': null },
      RestartPolicy: { Name: 'no' },
      ConsoleSize: [1, 2],
    },
    NetworkingConfig: { EndpointsConfig: { bridge: null } },
  });
});

it.each([
  [{ Env: 'A=b' }, 'Env must be a list of strings'],
  [{ Env: ['A=b\0'] }, 'Env must be a list of strings'],
  [{ Cmd: [1] }, 'Cmd must be a string or a list of strings'],
  [{ Labels: { a: 1 } }, 'Labels must be a map of strings'],
  [{ Tty: 'yes' }, 'Tty must be a boolean'],
  [{ HostConfig: [] }, 'HostConfig must be an object'],
  [
    { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 80 }] } } },
    'PortBindings must be a map of lists of bindings',
  ],
  [{ HostConfig: { LogConfig: 'none' } }, 'HostConfig.LogConfig must be an object'],
  [
    { HostConfig: { LogConfig: { Config: { 'max-size': 1 } } } },
    'HostConfig.LogConfig.Config must be a map of strings',
  ],
  [{ HostConfig: { ConsoleSize: [1] } }, 'HostConfig.ConsoleSize must be a height and a width'],
  [{ Healthcheck: { Interval: '1s' } }, 'Healthcheck.Interval must be an integer'],
])('refuses %j', (request, text) => {
  expect(() => checkRequestTypes(request as unknown as ContainerCreateRequest)).toThrow(text);
});
