import type { ContainerConfig, HostConfig } from '../wire/container.ts';
import { capabilitySets, hostCapabilities, resolveCapabilities } from './capabilities.ts';
import type { ProcessPlan } from './plan.ts';
import { toRlimits } from './rlimits.ts';
import { seccompProgram } from './seccomp.ts';
import { parseSecurityOptions } from './security-options.ts';

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type Confinement = Pick<
  ProcessPlan,
  'capabilities' | 'noNewPrivileges' | 'apparmor' | 'seccomp' | 'rlimits' | 'oomScoreAdj'
>;

/** What confines a process of the container: its PID 1 and, the same, every exec. */
export function confinement(hostConfig: HostConfig): Confinement {
  const privileged = hostConfig.Privileged === true;
  const options = parseSecurityOptions(hostConfig.SecurityOpt ?? []);
  const bounding = resolveCapabilities({
    add: hostConfig.CapAdd ?? [],
    drop: hostConfig.CapDrop ?? [],
    privileged,
  });
  // A profile that was asked for by name applies to a privileged container too.
  const unconfined = options.seccomp === 'unconfined' || (privileged && options.seccomp === 'default');
  return {
    capabilities: capabilitySets(bounding),
    noNewPrivileges: options.noNewPrivileges,
    apparmor: options.apparmor,
    seccomp: unconfined ? new Uint8Array() : seccompProgram(options.seccomp, bounding),
    rlimits: toRlimits(hostConfig.Ulimits ?? []),
    oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
  };
}

/** `docker exec --privileged`: all capabilities; seccomp, rlimits and the rest stay the container's. */
export const privilegedCapabilities = () => capabilitySets(hostCapabilities());

/**
 * PATH, HOSTNAME, TERM, overlaid by the container's own. SECURITY: 2026-57231: an entry without `=` removes the
 * name; nothing is ever copied from the engine's environment.
 */
export function containerEnvironment(config: ContainerConfig, tty: boolean): string[] {
  return overlayEnvironment(
    [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${config.Hostname ?? ''}`, ...(tty ? ['TERM=xterm'] : [])],
    config.Env ?? [],
  );
}

export function overlayEnvironment(base: readonly string[], overrides: readonly string[]): string[] {
  const values = new Map<string, string>();
  for (const entry of [...base, ...overrides]) {
    const separator = entry.indexOf('=');
    if (separator > 0) values.set(entry.slice(0, separator), entry);
    else if (separator < 0) values.delete(entry);
  }
  return [...values.values()];
}
