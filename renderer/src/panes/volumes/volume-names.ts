import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { shortId } from '../../format/ids.ts';

/** Docker names a volume that nobody named by 64 hexadecimal digits. */
export function isAnonymous(volume: Pick<VolumeSummary, 'name'>): boolean {
  return /^[0-9a-f]{64}$/.test(volume.name);
}

/** The name as people read it: an anonymous volume's owner and place, where it has them. */
export function titleOf(volume: Pick<VolumeSummary, 'name' | 'usedBy'>): string {
  if (!isAnonymous(volume)) return volume.name;
  const [owner] = volume.usedBy;
  return owner ? `${owner.name}: ${owner.destination}` : shortId(volume.name);
}

/** What files and volumes that come from it are called. */
export function plainNameOf(volume: Pick<VolumeSummary, 'name'>): string {
  return isAnonymous(volume) ? shortId(volume.name) : volume.name;
}

/** What `docker volume prune` removes: unused, anonymous unless `all`, and never one with driver options. */
export function isPrunable(
  volume: Pick<VolumeSummary, 'name' | 'usedBy' | 'options'>,
  all: boolean,
): boolean {
  const named = !isAnonymous(volume);
  return volume.usedBy.length === 0 && Object.keys(volume.options).length === 0 && (all || !named);
}

export function isVolumeName(name: string): boolean {
  return name === '' || /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name);
}
