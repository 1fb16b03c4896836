import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { conflict } from '../lib/errors.ts';
import { capabilityNames, hostCapabilities } from '../runtime/capabilities.ts';
import { defaultSpec } from './default-spec.ts';
import { OCI_VERSION } from './container-state.ts';
import type { OciContext } from './context.ts';
import { parseFlags } from './flags.ts';

/** What this runtime can do (runtime-spec, features.md). */
export function features(context: OciContext): number {
  const view = {
    ociVersionMin: '1.0.0',
    ociVersionMax: OCI_VERSION,
    hooks: ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'],
    mountOptions:
      'async atime bind defaults dev diratime dirsync exec noatime nodev nodiratime noexec norelatime nostrictatime nosuid nosymfollow private ratime rbind relatime ro rprivate rro rshared rslave runbindable rw shared slave strictatime suid symfollow sync tmpcopyup unbindable'.split(
        ' ',
      ),
    linux: {
      namespaces: ['cgroup', 'ipc', 'mount', 'network', 'pid', 'time', 'user', 'uts'],
      capabilities: capabilityNames(hostCapabilities()),
      cgroup: { v1: true, v2: true, systemd: false, systemdUser: false, rdma: false },
      seccomp: {
        enabled: true,
        actions: [
          'SCMP_ACT_ALLOW',
          'SCMP_ACT_ERRNO',
          'SCMP_ACT_KILL',
          'SCMP_ACT_KILL_PROCESS',
          'SCMP_ACT_KILL_THREAD',
          'SCMP_ACT_LOG',
          'SCMP_ACT_TRACE',
          'SCMP_ACT_TRAP',
        ],
        operators: [
          'SCMP_CMP_EQ',
          'SCMP_CMP_GE',
          'SCMP_CMP_GT',
          'SCMP_CMP_LE',
          'SCMP_CMP_LT',
          'SCMP_CMP_MASKED_EQ',
          'SCMP_CMP_NE',
        ],
        archs: ['SCMP_ARCH_AARCH64', 'SCMP_ARCH_X86', 'SCMP_ARCH_X86_64'],
      },
      apparmor: { enabled: true },
      selinux: { enabled: false },
      intelRdt: { enabled: false },
    },
  };
  context.print(`${JSON.stringify(view, undefined, 2)}\n`);
  return 0;
}

/** Writes a config.json to begin with. */
export function spec(_: OciContext, argv: readonly string[]): number {
  const { flags } = parseFlags(argv, { bundle: 'text', rootless: 'switch' }, { b: 'bundle' });
  const file = path.resolve(flags.text('bundle') ?? '.', 'config.json');
  if (existsSync(file)) throw conflict('File config.json exists. Remove it first');
  writeFileSync(file, `${JSON.stringify(defaultSpec(), undefined, '\t')}\n`, { mode: 0o644 });
  return 0;
}
