import { imageOf } from '../engine-objects.ts';
import { failure } from '../failures.ts';
import { api } from '../implementer.ts';
import { toImageDetails, toImageSummary, type HistoryRow } from '../views/image-view.ts';

export const images = {
  list: api.images.list.handler(async ({ context }) =>
    (await context.docker.listImages()).map(toImageSummary),
  ),
  inspect: api.images.inspect.handler(async ({ context, input }) => {
    const image = imageOf(context.docker, input.id);
    const [info, history, list] = await Promise.all([
      image.inspect(),
      image.history() as Promise<HistoryRow[]>,
      context.docker.listImages(),
    ]);
    return toImageDetails(info, history, list.find((row) => row.Id === info.Id)?.Containers ?? -1);
  }),
  remove: api.images.remove.handler(async ({ context, input }) => {
    await imageOf(context.docker, input.id).remove({ force: input.force });
  }),
  tag: api.images.tag.handler(async ({ context, input }) => {
    await imageOf(context.docker, input.id).tag(splitTag(input.tag));
  }),
  loadBegin: api.images.loadBegin.handler(({ context }) => ({ uploadId: context.uploads.begin() })),
  loadChunk: api.images.loadChunk.handler(async ({ context, input }) => {
    await context.uploads.write(input.uploadId, Buffer.from(input.chunk, 'base64'));
  }),
  loadFinish: api.images.loadFinish.handler(async ({ context, input }) => ({
    messages: await context.uploads.finish(input.uploadId),
  })),
  prune: api.images.prune.handler(async ({ context }) => {
    const result = await context.docker.pruneImages();
    const removed = (result.ImagesDeleted ?? []).map((row) => row.Deleted ?? row.Untagged ?? '');
    return { removed: removed.filter((name) => name !== ''), reclaimedBytes: result.SpaceReclaimed ?? 0 };
  }),
};

/** `host:5000/name:tag` → repository and tag; the colon of a registry's port is none of a tag. */
function splitTag(reference: string): { repo: string; tag: string } {
  if (reference.includes('@')) throw failure('BAD_REQUEST', 'a tag cannot be a digest');
  const colon = reference.lastIndexOf(':');
  if (colon <= reference.lastIndexOf('/')) return { repo: reference, tag: 'latest' };
  return { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
