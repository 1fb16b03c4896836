import type { MountPoint } from './record.ts';

/** One entry of Mounts in list and inspect. */
function toMountView(mount: MountPoint): object {
  const common = {
    Destination: mount.destination,
    Mode: mount.mode,
    RW: !mount.readonly,
    Propagation: mount.propagation,
  };
  if (mount.type === 'volume') {
    return { Type: 'volume', Name: mount.name, Source: mount.source, Driver: 'local', ...common };
  }
  if (mount.type === 'image') return { Type: 'image', Name: mount.name, Source: mount.source, ...common };
  return { Type: mount.type, Source: mount.source, ...common };
}

/** HostConfig.Tmpfs is not among Mounts, as in Docker; `--mount type=tmpfs` is. */
export function mountViews(mounts: MountPoint[]): object[] {
  return mounts.filter(({ specification }) => specification !== 'tmpfs').map(toMountView);
}
