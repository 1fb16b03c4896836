import { existsSync, readFileSync } from 'node:fs';
import { invalidArgument, notImplemented } from '../lib/errors.ts';

export interface SecurityOptions {
  /** `unconfined`, `default`, or the JSON text of a profile. */
  seccomp: string;
  noNewPrivileges: boolean;
  /** Profile to apply; '': none was asked for, or this kernel has no AppArmor. */
  apparmor: string;
  /** No masked and no read-only paths. */
  unconfinedPaths: boolean;
  /** undefined: as privileged says. */
  writableCgroups: boolean | undefined;
  warnings: string[];
}

/** Which security modules the host's kernel enforces. */
interface SecurityModules {
  apparmor: boolean;
  selinux: boolean;
}

let cachedModules: SecurityModules | undefined;

/** Fixed when the kernel boots. */
export function hostSecurityModules(): SecurityModules {
  cachedModules ??= {
    apparmor: isAppArmorEnabled('/sys/module/apparmor/parameters/enabled'),
    selinux: existsSync('/sys/fs/selinux/enforce'),
  };
  return cachedModules;
}

function isAppArmorEnabled(file: string): boolean {
  try {
    return readFileSync(file, 'latin1').startsWith('Y');
  } catch {
    return false; // not built in
  }
}

/**
 * `HostConfig.SecurityOpt`, `key=value` (or the old `key:value`). Throws Docker's `invalid --security-opt …`.
 * A confinement that was asked for and cannot be given where the kernel has the module fails closed.
 */
export function parseSecurityOptions(
  options: readonly string[],
  modules: SecurityModules = hostSecurityModules(),
): SecurityOptions {
  const result: SecurityOptions = {
    seccomp: 'default',
    noNewPrivileges: false,
    apparmor: '',
    unconfinedPaths: false,
    writableCgroups: undefined,
    warnings: [],
  };
  for (const option of options) apply(result, option, modules);
  return result;
}

function apply(result: SecurityOptions, option: string, modules: SecurityModules): void {
  if (option === 'no-new-privileges') result.noNewPrivileges = true;
  else if (option === 'writable-cgroups') result.writableCgroups = true;
  else if (option !== 'disable') applyPair(result, option, modules);
}

function applyPair(result: SecurityOptions, option: string, modules: SecurityModules): void {
  const separator = option.includes('=') ? option.indexOf('=') : option.indexOf(':');
  if (separator < 0) throw invalidArgument(`invalid --security-opt 1: ${JSON.stringify(option)}`);
  const value = option.slice(separator + 1);
  switch (option.slice(0, separator)) {
    case 'seccomp':
      result.seccomp = value === 'builtin' || value === '' ? 'default' : value;
      break;
    case 'no-new-privileges':
      result.noNewPrivileges = parseBoolean(value, option);
      break;
    case 'writable-cgroups':
      result.writableCgroups = parseBoolean(value, option);
      break;
    case 'systempaths':
      if (value !== 'unconfined') throw invalidOption(option);
      result.unconfinedPaths = true;
      break;
    case 'apparmor':
      if (modules.apparmor) result.apparmor = value === 'unconfined' ? '' : value;
      else if (value !== 'unconfined') result.warnings.push(ignored('AppArmor', option));
      break;
    case 'label':
      if (value === 'disable') break;
      if (modules.selinux) throw notImplemented(`the SELinux label ${value}`);
      result.warnings.push(ignored('SELinux', option));
      break;
    default:
      throw invalidOption(option);
  }
}

const ignored = (module: string, option: string): string =>
  `${module} is not enabled on this host: security option ${option} is ignored`;

/** Go's strconv.ParseBool. */
function parseBoolean(value: string, option: string): boolean {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(value)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(value)) return false;
  throw invalidOption(option);
}

const invalidOption = (option: string) =>
  invalidArgument(`invalid --security-opt 2: ${JSON.stringify(option)}`);
