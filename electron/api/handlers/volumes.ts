import type Dockerode from 'dockerode';
import { createVolume, engineReply, engineStream } from '../engine-request.ts';
import { volumeOf, volumePath } from '../engine-objects.ts';
import { explainUnknownOperation } from '../failures.ts';
import { api, streamed } from '../implementer.ts';
import { base64Parts } from '../streams.ts';
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
    const created = await createVolume(context.docker, {
      Name: input.name,
      DriverOpts: input.options,
      Labels: input.labels,
    });
    return { name: created.Name };
  }),
  remove: api.volumes.remove.handler(async ({ context, input }) => {
    await volumeOf(context.docker, input.name).remove({ force: input.force });
  }),
  inspect: api.volumes.inspect.handler(({ context, input }) =>
    volumeOf(context.docker, input.name).inspect(),
  ),
  prune: api.volumes.prune.handler(async ({ context, input: { all } }) => {
    const result = await context.docker.pruneVolumes(all ? { filters: { all: ['true'] } } : {});
    return { removed: result.VolumesDeleted ?? [], reclaimedBytes: result.SpaceReclaimed ?? 0 };
  }),
  backup: api.volumes.backup.handler(({ context, input, signal }) =>
    streamed(signal, backup(context.docker, input.name, signal)),
  ),
  restoreBegin: api.volumes.restoreBegin.handler(({ context, input }) => ({
    uploadId: context.uploads.restores.begin(input.name),
  })),
  restoreChunk: api.volumes.restoreChunk.handler(async ({ context, input }) => {
    await context.uploads.restores.write(input.uploadId, Buffer.from(input.chunk, 'base64'));
  }),
  restoreFinish: api.volumes.restoreFinish.handler(({ context, input }) =>
    context.uploads.restores.finish(input.uploadId),
  ),
  clone: api.volumes.clone.handler(({ context, input }) =>
    engineReply<{ name: string }>(context.docker, {
      method: 'POST',
      path: `${volumePath(input.name)}/clone`,
      query: { to: input.to },
    }).catch(explainUnknownOperation),
  ),
};

async function* backup(
  docker: Dockerode,
  name: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<{ chunk: string }, void> {
  const path = `${volumePath(name)}/backup`;
  yield* base64Parts(
    await engineStream(docker, { method: 'GET', path, signal }).catch(explainUnknownOperation),
  );
}
