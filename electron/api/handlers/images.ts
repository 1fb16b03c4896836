import type Dockerode from 'dockerode';
import { familiarName, parseReference } from '../../../engine/images/reference.ts';
import type { ImageLayers as EngineLayers, ImagePrunePreview } from '../../../engine/wire/image.ts';
import type { ApiContext } from '../context.ts';
import { imageOf, imagePath } from '../engine-objects.ts';
import { failure } from '../failures.ts';
import { engineReply, engineStream } from '../engine-request.ts';
import { pullImage, pushImage } from '../image-transfers.ts';
import { api, streamed } from '../implementer.ts';
import { base64Parts } from '../streams.ts';
import type { ImageFreshness } from '../types.ts';
import { toImageDetails, toImageLayers, toImageSummary, type HistoryRow } from '../views/image-view.ts';

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
  pull: api.images.pull.handler(({ context, input: { name, platform }, signal }) =>
    streamed(signal, pullImage(context.docker, context.accounts, { name, platform }, signal)),
  ),
  push: api.images.push.handler(({ context, input: { name }, signal }) =>
    streamed(signal, pushImage(context.docker, context.accounts, name, signal)),
  ),
  freshness: api.images.freshness.handler(({ context, input: { name } }) => freshnessOf(context, name)),
  layers: api.images.layers.handler(async ({ context, input: { id } }) => {
    const path = `/gantry/v1/images/${imagePath(id)}/layers`;
    return toImageLayers(await engineReply<EngineLayers>(context.docker, { method: 'GET', path }));
  }),
  save: api.images.save.handler(({ context, input: { names }, signal }) =>
    streamed(signal, saveImages(context.docker, names, signal)),
  ),
  loadBegin: api.images.loadBegin.handler(({ context, input }) => ({
    uploadId: context.uploads.images.begin({ importAs: input?.importAs }),
  })),
  loadChunk: api.images.loadChunk.handler(async ({ context, input }) => {
    await context.uploads.images.write(input.uploadId, Buffer.from(input.chunk, 'base64'));
  }),
  loadFinish: api.images.loadFinish.handler(async ({ context, input }) => ({
    messages: await context.uploads.images.finish(input.uploadId),
  })),
  prunePreview: api.images.prunePreview.handler(async ({ context, input: { all } }) => {
    const { Images, SpaceReclaimed } = await engineReply<ImagePrunePreview>(context.docker, {
      method: 'GET',
      path: '/gantry/v1/images/prune',
      query: { filters: pruneFilters(all) },
    });
    return {
      images: Images.map(({ Id, Names, Size }) => ({ id: Id, names: Names, sizeBytes: Size })),
      reclaimedBytes: SpaceReclaimed,
    };
  }),
  prune: api.images.prune.handler(async ({ context, input: { all } }) => {
    const result = await context.docker.pruneImages({ filters: pruneFilters(all) });
    const removed = (result.ImagesDeleted ?? []).map((row) => row.Deleted ?? row.Untagged ?? '');
    return { removed: removed.filter((name) => name !== ''), reclaimedBytes: result.SpaceReclaimed ?? 0 };
  }),
};

const pruneFilters = (all: boolean): string => JSON.stringify({ dangling: [all ? 'false' : 'true'] });

/** The digests under which the image came, beside the one that the tag has in its registry now. */
async function freshnessOf({ docker, accounts }: ApiContext, name: string): Promise<ImageFreshness> {
  const { RepoDigests } = await imageOf(docker, name).inspect();
  const repository = familiarName(parseReference(name).name);
  const known = (RepoDigests ?? []).flatMap((text) => {
    const [of, digest] = text.split('@');
    return of === repository && digest !== undefined ? [digest] : [];
  });
  if (known.length === 0) return { state: 'local', digest: undefined };
  const { digest } = await engineReply<{ digest: string }>(docker, {
    method: 'GET',
    path: '/gantry/v1/registries/digest',
    query: { image: name },
    auth: await accounts.forImage(name),
  });
  return { state: known.includes(digest) ? 'current' : 'newer', digest };
}

async function* saveImages(
  docker: Dockerode,
  names: string[],
  signal: AbortSignal | undefined,
): AsyncGenerator<{ chunk: string }, void> {
  const body = await engineStream(docker, { method: 'GET', path: '/images/get', query: { names }, signal });
  yield* base64Parts(body);
}

/** `host:5000/name:tag` → repository and tag; the colon of a registry's port is none of a tag. */
function splitTag(reference: string): { repo: string; tag: string } {
  if (reference.includes('@')) throw failure('BAD_REQUEST', 'a tag cannot be a digest');
  const colon = reference.lastIndexOf(':');
  if (colon <= reference.lastIndexOf('/')) return { repo: reference, tag: 'latest' };
  return { repo: reference.slice(0, colon), tag: reference.slice(colon + 1) };
}
