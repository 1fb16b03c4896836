import type Dockerode from 'dockerode';
import { createVolume } from '../engine-request.ts';
import { volumeOf } from '../engine-objects.ts';
import { api } from '../implementer.ts';
import { toVolumeSummary } from '../views/volume-view.ts';

export const volumes = {
  /** `system df` has every volume with its size; the plain list is the answer of engines without it. */
  list: api.volumes.list.handler(async ({ context: { docker } }) => {
    const [list, usage, containers] = await Promise.all([
      docker.listVolumes(),
      (docker.df() as Promise<{ Volumes?: Dockerode.VolumeInspectInfo[] | null }>).catch(() => undefined),
      docker.listContainers({ all: true }),
    ]);
    const sizes = new Map((usage?.Volumes ?? []).map((volume) => [volume.Name, volume.UsageData]));
    return (list.Volumes ?? []).map((volume) =>
      toVolumeSummary({ ...volume, UsageData: volume.UsageData ?? sizes.get(volume.Name) }, containers),
    );
  }),
  create: api.volumes.create.handler(async ({ context, input }) => {
    const created = await createVolume(context.docker, { Name: input.name, Labels: input.labels });
    return { name: created.Name };
  }),
  remove: api.volumes.remove.handler(async ({ context, input }) => {
    await volumeOf(context.docker, input.name).remove({ force: input.force });
  }),
  inspect: api.volumes.inspect.handler(({ context, input }) =>
    volumeOf(context.docker, input.name).inspect(),
  ),
  prune: api.volumes.prune.handler(async ({ context }) => {
    const result = await context.docker.pruneVolumes();
    return { removed: result.VolumesDeleted ?? [], reclaimedBytes: result.SpaceReclaimed ?? 0 };
  }),
};
