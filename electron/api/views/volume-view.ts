import type Dockerode from 'dockerode';
import type { VolumeSummary } from '../types.ts';
import { timeOf } from './time.ts';

/** A volume with the containers (rows of `GET /containers/json?all=1`) that mount it. */
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
    options: volume.Options ?? {},
    usedBy: containers.flatMap(({ Id, Names, State, Mounts }) => {
      const mount = (Mounts ?? []).find(({ Name }) => Name === volume.Name);
      if (!mount) return [];
      const running = ['running', 'paused', 'restarting'].includes(State);
      const name = (Names?.[0] ?? Id).replace(/^\//, '');
      return [{ id: Id, name, running, destination: mount.Destination }];
    }),
  };
}
