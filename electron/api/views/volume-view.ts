import type Dockerode from 'dockerode';
import type { VolumeSummary } from '../types.ts';
import { timeOf } from './time.ts';

/** A volume with the names of the containers (rows of `GET /containers/json?all=1`) that mount it. */
export function toVolumeSummary(
  volume: Dockerode.VolumeInspectInfo & { CreatedAt?: string },
  containers: Dockerode.ContainerInfo[],
): VolumeSummary {
  const size = volume.UsageData?.Size ?? -1;
  return {
    name: volume.Name,
    driver: volume.Driver,
    mountpoint: volume.Mountpoint,
    createdAt: timeOf(volume.CreatedAt),
    labels: volume.Labels ?? {},
    sizeBytes: size >= 0 ? size : undefined,
    usedBy: containers
      .filter((container) => (container.Mounts ?? []).some((mount) => mount.Name === volume.Name))
      .map((container) => (container.Names?.[0] ?? container.Id).replace(/^\//, '')),
  };
}
