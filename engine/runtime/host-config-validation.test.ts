import os from 'node:os';
import { describe, expect, test } from 'vitest';
import type { HostConfig } from '../wire/container.ts';
import type { CgroupFeatures } from './cgroup.ts';
import { validateHostConfig } from './host-config-validation.ts';

const everything: CgroupFeatures = {
  memoryLimit: true,
  memoryReservation: true,
  swapLimit: true,
  memorySwappiness: true,
  oomKillDisable: true,
  cpuShares: true,
  cpuQuota: true,
  cpuRealtime: true,
  cpuset: true,
  cpus: '0-1',
  memoryNodes: '0',
  pidsLimit: true,
  blkioWeight: true,
  blkioWeightDevice: true,
  blkioThrottle: true,
};
const MB = 1024 * 1024;
const cpus = os.cpus().length;

const refused: [string, HostConfig, string][] = [
  ['too little memory', { Memory: 5 * MB }, 'Minimum memory limit allowed is 6MB'],
  ['negative memory', { Memory: -1 }, 'Minimum memory limit allowed is 6MB'],
  [
    'swap below memory',
    { Memory: 20 * MB, MemorySwap: 10 * MB },
    'Minimum memoryswap limit should be larger than memory limit, see usage',
  ],
  [
    'swap without memory',
    { MemorySwap: 10 * MB },
    'You should always set the Memory limit when using Memoryswap limit, see usage',
  ],
  [
    'a reservation above the limit',
    { Memory: 10 * MB, MemoryReservation: 20 * MB },
    'Minimum memory limit can not be less than memory reservation limit, see usage',
  ],
  ['swappiness', { MemorySwappiness: 101 }, 'Invalid value: 101, valid memory swappiness range is 0-100'],
  [
    'more CPUs than there are',
    { NanoCpus: (cpus + 1) * 1e9 },
    `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`,
  ],
  [
    'NanoCpus with a quota',
    { NanoCpus: 1e9, CpuQuota: 5000 },
    'Conflicting options: Nano CPUs and CPU Quota cannot both be set',
  ],
  ['a short quota', { CpuQuota: 999 }, 'CPU cfs quota can not be less than 1ms (i.e. 1000)'],
  ['a long period', { CpuPeriod: 1_000_001 }, 'CPU cfs period can not be less than 1ms'],
  [
    'a CPU that is not there',
    { CpusetCpus: '0-2' },
    'Requested CPUs are not available - requested 0-2, available: 0-1',
  ],
  ['a malformed cpuset', { CpusetCpus: '0-' }, 'Invalid value 0- for cpuset cpus'],
  ['a blkio weight', { BlkioWeight: 5 }, 'Range of blkio weight is from 10 to 1000'],
  [
    'an unknown restart policy',
    { RestartPolicy: { Name: 'sometimes' } },
    "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ],
  [
    'a retry count without on-failure',
    { RestartPolicy: { Name: 'always', MaximumRetryCount: 1 } },
    "maximum retry count can only be used with 'on-failure'",
  ],
  [
    'AutoRemove with a restart policy',
    { AutoRemove: true, RestartPolicy: { Name: 'always' } },
    "can't create 'AutoRemove' container with restart policy",
  ],
  ['an IPC mode', { IpcMode: 'x' }, 'invalid IPC mode: x'],
  ['an IPC mode without a container', { IpcMode: 'container:' }, 'invalid IPC mode: container:'],
  ['a PID mode without a container', { PidMode: 'container:' }, 'invalid PID mode: container:'],
  ['an OOM score', { OomScoreAdj: 1001 }, 'Invalid value 1001, range for oom score adj is [-1000, 1000]'],
  ['a capability', { CapAdd: ['FOO'] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'],
  ['an isolation', { Isolation: 'hyperv' }, "invalid isolation (hyperv): linux only supports 'default'"],
  [
    'a bandwidth of Windows',
    { IOMaximumBandwidth: 1 },
    'invalid option: QoS maximum bandwidth configuration is not supported on linux',
  ],
  [
    'more real time than its period',
    { CpuRealtimePeriod: 1000, CpuRealtimeRuntime: 2000 },
    'cpu real-time runtime cannot be higher than cpu real-time period',
  ],
  ['a broken seccomp profile', { SecurityOpt: ['seccomp={'] }, 'Decoding seccomp profile failed'],
];

describe('a HostConfig', () => {
  for (const [name, hostConfig, message] of refused) {
    test(`is refused for ${name}`, () => {
      expect(() => validateHostConfig(hostConfig, everything)).toThrow(message);
    });
  }

  test('is refused when a field has the wrong type', () => {
    for (const wrong of [
      { Memory: '64m' },
      { CapAdd: 'ALL' },
      { Memory: 1.5 },
      { Sysctls: { a: 1 } },
      { Devices: ['x'] },
      { Devices: [{ PathOnHost: 7 }] },
      { DeviceRequests: [{ Capabilities: 'gpu' }] },
      { BlkioDeviceReadBps: [{ Path: '/dev/null', Rate: 'much' }] },
    ]) {
      expect(() => validateHostConfig(wrong as HostConfig, everything)).toThrow('invalid JSON: HostConfig.');
    }
  });

  test('without limits and with ordinary ones passes without a warning', () => {
    expect(validateHostConfig({}, everything)).toEqual({
      hostConfig: {
        MaskedPaths: expect.arrayContaining(['/proc/kcore']) as string[],
        ReadonlyPaths: expect.arrayContaining(['/proc/sys']) as string[],
      },
      warnings: [],
    });
    expect(validateHostConfig({ Privileged: true }, everything).hostConfig.MaskedPaths).toBeNull();
    expect(
      validateHostConfig(
        {
          Memory: 64 * MB,
          MemorySwap: -1,
          MemorySwappiness: -1,
          NanoCpus: 5e8,
          PidsLimit: -1,
          CpusetCpus: '0',
          RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 },
          IpcMode: 'shareable',
          BlkioWeight: 0,
          // What clients take for unlimited.
          Ulimits: [{ Name: 'nofile', Soft: 1024, Hard: 2 ** 63 }],
        },
        everything,
      ).warnings,
    ).toEqual([]);
  });

  test('warns as Docker does about what the host cannot do', () => {
    const poor = { ...everything, swapLimit: false, blkioWeight: false, cpuset: false };
    const verified = validateHostConfig({ Memory: 64 * MB, BlkioWeight: 100, CpusetCpus: '0' }, poor);
    expect(verified.warnings).toEqual([
      'Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.',
      'Your kernel does not support cpuset or the cgroup is not mounted. Cpuset discarded.',
      'Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.',
    ]);
    expect(verified.hostConfig).toMatchObject({ MemorySwap: -1, BlkioWeight: 0, CpusetCpus: '' });
    const published = validateHostConfig({ NetworkMode: 'host', PortBindings: { '80/tcp': [] } }, everything);
    expect(published.warnings).toEqual(['Published ports are discarded when using host network mode']);
  });
});
