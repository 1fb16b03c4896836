import { expect, test } from 'vitest';
import { resolveSysctls, validateSysctls } from './sysctls.ts';

test('only namespaced sysctls pass', () => {
  const check =
    (name: string, extra = {}) =>
    () =>
      validateSysctls({ Sysctls: { [name]: '1' }, ...extra });
  for (const name of [
    'net.ipv4.ip_forward',
    'net/ipv4/conf/eth0.100/forwarding',
    'kernel.shmmax',
    'fs.mqueue.msg_max',
  ]) {
    expect(check(name)).not.toThrow();
  }
  expect(check('kernel.core_pattern')).toThrow(
    'sysctl "kernel.core_pattern" is not in a separate kernel namespace',
  );
  expect(check('net.ipv4.ip_forward', { NetworkMode: 'host' })).toThrow(
    'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
  );
  expect(check('kernel.sem', { IpcMode: 'host' })).toThrow('not in a separate kernel namespace');
  for (const name of ['net..x', 'net.../kernel', '../x', '/net.x', 'net.a\n'])
    expect(check(name)).toThrow('invalid sysctl');
});

test('the defaults apply to a new network namespace only and the request wins over them', () => {
  const sysctls = { Sysctls: { 'net.ipv4.ip_unprivileged_port_start': '1024' } };
  const values = resolveSysctls(sysctls, { kind: 'new' });
  expect(values).toContainEqual({ name: 'net.ipv4.ping_group_range', value: '0 2147483647' });
  expect(values).toContainEqual({ name: 'net.ipv4.ip_unprivileged_port_start', value: '1024' });
  expect(resolveSysctls({}, { kind: 'host' })).toEqual([]);
});
