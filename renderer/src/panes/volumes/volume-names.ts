import type { VolumeSummary } from '../../../../electron/api/types.ts';

/** Docker names a volume that nobody named by 64 hexadecimal digits. */
export function isAnonymous(volume: Pick<VolumeSummary, 'name'>): boolean {
  return /^[0-9a-f]{64}$/.test(volume.name);
}

/** What `docker volume prune` removes: unused and anonymous. */
export function isPrunable(volume: Pick<VolumeSummary, 'name' | 'usedBy'>): boolean {
  return isAnonymous(volume) && volume.usedBy.length === 0;
}

export function isVolumeName(name: string): boolean {
  return name === '' || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name);
}
