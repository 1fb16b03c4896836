import { describe, expect, it } from 'vitest';
import { networksOf, portMapOf, portSummaries } from './network-view.ts';
import type { ContainerRecord } from './record.ts';

const resolve = (name: string) => ({ id: `${name}-id`, name, driver: 'bridge' });
const record = (part: object): ContainerRecord =>
  ({
    id: 'c'.repeat(64),
    name: 'web',
    config: { Hostname: 'host', ExposedPorts: { '80/tcp': {}, '81/tcp': {} } },
    hostConfig: { NetworkMode: 'back' },
    endpoints: { back: { Aliases: ['asked'] } },
    state: { pid: 7 },
    attachment: {
      endpoints: [
        {
          networkId: 'back-id',
          networkName: 'back',
          endpointId: 'e1',
          ipv4: '10.0.0.2',
          prefixLength4: 24,
          gateway4: '10.0.0.1',
          mac: '02:42:00:00:00:02',
          aliases: ['asked'],
        },
      ],
      ports: [{ protocol: 'tcp', containerPort: 80, hostIp: '0.0.0.0', hostPort: 8080 }],
    },
    ...part,
  }) as unknown as ContainerRecord;

describe('networks', () => {
  it('shows live endpoints of a running container', () => {
    expect(networksOf(record({}), resolve)['back']).toMatchObject({
      NetworkID: 'back-id',
      IPAddress: '10.0.0.2',
      Gateway: '10.0.0.1',
      DNSNames: ['web', 'asked', 'c'.repeat(12), 'host'],
    });
  });

  it('shows what a stopped container asked for, also of a network that is gone', () => {
    const stopped = record({ attachment: null });
    expect(networksOf(stopped, resolve)['back']).toMatchObject({ NetworkID: 'back-id', IPAddress: '' });
    const gone = networksOf(stopped, () => {
      throw new Error('network back not found');
    });
    expect(gone['back']).toMatchObject({ NetworkID: '', Aliases: ['asked'] });
  });

  it('names host and none, and nothing for a shared network', () => {
    const inMode = (NetworkMode: string) =>
      networksOf(record({ hostConfig: { NetworkMode }, attachment: null }), resolve);
    expect(Object.keys(inMode('host'))).toEqual(['host']);
    expect(Object.keys(inMode('none'))).toEqual(['none']);
    expect(inMode('container:x')).toEqual({});
  });
});

describe('ports', () => {
  it('tells published ports from those only exposed', () => {
    expect(portMapOf(record({}))).toEqual({
      '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '8080' }],
      '81/tcp': null,
    });
    expect(portSummaries(record({}))).toEqual([
      { PrivatePort: 81, Type: 'tcp' },
      { IP: '0.0.0.0', PrivatePort: 80, PublicPort: 8080, Type: 'tcp' },
    ]);
  });

  it('has none for a container that does not run', () => {
    const stopped = record({ state: { pid: 0 }, attachment: null });
    expect(portMapOf(stopped)).toEqual({});
    expect(portSummaries(stopped)).toEqual([]);
  });
});
