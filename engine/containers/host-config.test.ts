import { describe, expect, it } from 'vitest';
import { checkModes, completeHostConfig } from './host-config.ts';

describe('completeHostConfig', () => {
  it('fills in what Docker shows in inspect', () => {
    expect(completeHostConfig({})).toMatchObject({
      NetworkMode: 'bridge',
      LogConfig: { Type: 'json-file', Config: {} },
      RestartPolicy: { Name: 'no', MaximumRetryCount: 0 },
      IpcMode: 'private',
      CgroupnsMode: 'private',
      ShmSize: 67_108_864,
      MemorySwap: 0,
      PidsLimit: null,
    });
    expect(completeHostConfig({ NetworkMode: 'default' }).NetworkMode).toBe('bridge');
  });

  it('allows as much swap as memory when only memory is limited', () => {
    expect(completeHostConfig({ Memory: 1000 }).MemorySwap).toBe(2000);
    expect(completeHostConfig({ Memory: 1000, MemorySwap: -1 }).MemorySwap).toBe(-1);
  });
});

describe('checkModes', () => {
  it.each([
    [{ Hostname: 'h' }, { NetworkMode: 'container:x' }, 'conflicting options: hostname and the network mode'],
    [{}, { NetworkMode: 'container:x', Dns: ['1.1.1.1'] }, 'conflicting options: dns and the network mode'],
    [
      {},
      { NetworkMode: 'container:x', PublishAllPorts: true },
      'conflicting options: port publishing and the container type network mode',
    ],
    [{}, { NetworkMode: 'container' }, 'invalid container format container:<name|id>'],
    [{}, { NetworkMode: 'container:' }, 'invalid container format container:<name|id>'],
    [{ Hostname: 'h' }, { UTSMode: 'host' }, 'conflicting options: hostname and the UTS mode'],
    [{ Hostname: 'a\nb' }, {}, 'invalid hostname format: a\nb'],
    [{ WorkingDir: 'x' }, {}, "the working directory 'x' is invalid, it needs to be an absolute path"],
  ])('%j with %j: %s', (config, hostConfig, text) => {
    expect(() => checkModes(config, hostConfig)).toThrow(text);
  });

  it('accepts a container that shares the network of another', () => {
    expect(() => checkModes({}, { NetworkMode: 'container:x' })).not.toThrow();
  });
});
