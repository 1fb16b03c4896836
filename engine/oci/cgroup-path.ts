import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';

/** `cgroupsPath`, or systemd's `slice:prefix:name` as the directories that systemd makes of it (systemd.slice(5)). */
export function cgroupOf(
  cgroupsPath: string | undefined,
  id: string,
  systemd: boolean,
): { id: string; parent: string } {
  if (!cgroupsPath) return { id, parent: '/' };
  if (systemd) return systemdCgroup(cgroupsPath, id);
  const whole = path.posix.normalize(`/${cgroupsPath}`);
  return { id: path.posix.basename(whole) || id, parent: path.posix.dirname(whole) };
}

function systemdCgroup(text: string, id: string): { id: string; parent: string } {
  const [slice = '', prefix = '', name = id, ...more] = text.split(':');
  if (more.length > 0 || name === '')
    throw invalidArgument(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${JSON.stringify(text)} instead`,
    );
  const parts = (slice || 'system.slice').replace(/\.slice$/, '').split('-');
  const directories = parts.map((_, index) => `${parts.slice(0, index + 1).join('-')}.slice`);
  const unit = name.endsWith('.slice') ? name : `${prefix === '' ? '' : `${prefix}-`}${name}.scope`;
  return { id: unit, parent: `/${parts[0] === '' ? '' : directories.join('/')}` };
}
