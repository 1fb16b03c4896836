import { invalidArgument } from '../../lib/errors.ts';
import { parseTimestamp } from '../../lib/timestamp.ts';
import { countLayerUse, toHistory, toInspect, toSummary } from '../../images/describe-image.ts';
import type { Images } from '../../images/images.ts';
import { importImage } from '../../images/import-image.ts';
import type { LoadProgress } from '../../images/load-archive.ts';
import { formatFamiliar, parseReference, withDefaultTag, type Reference } from '../../images/reference.ts';
import type { ByteSource } from '../../images/decompress.ts';
import { layerMessage, throttled, type ProgressStream } from '../../images/registry/progress.ts';
import type { Registries } from '../../images/registry/registries.ts';
import { previewPrune, pruneImages } from '../../images/prune-images.ts';
import { exploreLayers } from '../../images/explore-layers.ts';
import { removeImage } from '../../images/remove-image.ts';
import { referenceMatcher, selectImages } from '../../images/select-images.ts';
import { goArchitecture } from '../../system/host.ts';
import type { ImageInspect, ImageSummary } from '../../wire/image.ts';
import { askedPlatform, requirePlatform } from './image-platform.ts';
import { asksTrue, matchesLabels } from '../object-filters.ts';
import type { ApiVersion, Filters, JsonLines, Route, RouteContext } from '../route.ts';
import { errorLine } from '../stream-error.ts';
import { pullImage, streamProgress } from './registries.ts';

const LIST_FILTERS = ['before', 'dangling', 'label', 'reference', 'since', 'until'];
const PRUNE_FILTERS = ['all', 'dangling', 'label', 'label!', 'until'];

interface ImageDomains {
  images: Images;
  registries: Registries;
}

export function imageRoutes({ images, registries }: ImageDomains): Route[] {
  const { parts } = images;
  const find = ({ params }: RouteContext) => parts.catalog.find(params['name'] ?? '');
  return [
    {
      method: 'GET',
      path: '/images/json',
      handler: (context) => listImages(images, context),
    },
    {
      method: 'GET',
      path: '/images/{name...}/json',
      handler(context) {
        const image = find(context);
        requirePlatform(image, context.params['name'] ?? '', askedPlatform(context, '1.49'));
        context.reply.json(200, inspectForVersion(toInspect(parts, image), context.apiVersion));
      },
    },
    {
      method: 'GET',
      path: '/images/{name...}/history',
      handler(context) {
        const image = find(context);
        requirePlatform(image, context.params['name'] ?? '', askedPlatform(context, '1.48'));
        context.reply.json(200, toHistory(parts, image));
      },
    },
    {
      method: 'POST',
      path: '/images/{name...}/tag',
      async handler({ params, query, reply }) {
        await images.tag(params['name'] ?? '', query.string('repo') ?? '', query.string('tag'));
        reply.empty(201);
      },
    },
    {
      method: 'DELETE',
      path: '/images/{name...}',
      async handler(context) {
        const { query, reply } = context;
        const name = context.params['name'] ?? '';
        if (name.trim() === '') throw invalidArgument('image name cannot be blank');
        requirePlatform(find(context), name, askedPlatform(context, '1.50', 'platforms'));
        const options = { force: query.boolean('force'), prune: !query.boolean('noprune') };
        reply.json(200, await removeImage(parts, name, options));
      },
    },
    {
      method: 'POST',
      path: '/images/prune',
      async handler({ query, reply }) {
        const filters = query.filters(PRUNE_FILTERS);
        await registries.forgetInterrupted();
        const { deleted, reclaimedBytes } = await pruneImages(parts, pruneCriteria(filters));
        reply.json(200, {
          ImagesDeleted: deleted.length > 0 ? deleted : null,
          SpaceReclaimed: reclaimedBytes,
        });
      },
    },
    {
      method: 'GET',
      path: '/gantry/v1/images/prune',
      handler({ query, reply }) {
        reply.json(200, previewPrune(parts, pruneCriteria(query.filters(PRUNE_FILTERS))));
      },
    },
    {
      method: 'GET',
      path: '/gantry/v1/images/{name...}/layers',
      async handler(context) {
        context.reply.json(200, await exploreLayers(parts.layers, find(context)));
      },
    },
    { method: 'POST', path: '/images/load', handler: (context) => loadImages(images, context) },
    {
      method: 'POST',
      path: '/images/create',
      handler: (context) => createImage({ images, registries }, context),
    },
  ];
}

/** The images' part of `GET /system/df`. */
export function imageUsage({ parts }: Images): ImageSummary[] {
  const use = countLayerUse(parts.catalog);
  return parts.catalog.all().map((image) => toSummary(parts, image, use));
}

/** Bytes of all layers, each counted once. */
export function layersSizeBytes({ parts }: Images): number {
  return parts.layers.list().reduce((sum, layer) => sum + layer.sizeBytes, 0);
}

function pruneCriteria(filters: Filters) {
  const all = filters.has('dangling') ? !asksTrue(filters, 'dangling') : asksTrue(filters, 'all');
  return { all, ...commonCriteria(filters) };
}

function commonCriteria(filters: Filters) {
  return {
    untils: filters.values('until').map((until) => parseTimestamp(until) ?? 0n),
    matchesLabels: (labels: Readonly<Record<string, string>>) => matchesLabels(filters, labels),
  };
}

function listImages({ parts }: Images, { query, apiVersion, reply }: RouteContext): void {
  const filters = query.filters(LIST_FILTERS);
  const selected = selectImages(parts.catalog, {
    references: filters.values('reference'),
    before: filters.values('before')[0],
    since: filters.values('since')[0],
    all: query.boolean('all'),
    dangling: filters.has('dangling') ? asksTrue(filters, 'dangling') : undefined,
    ...commonCriteria(filters),
  });
  const use = query.boolean('shared-size') ? countLayerUse(parts.catalog) : undefined;
  const matches = referenceMatcher(filters.values('reference'));
  const isListed = (text: string): boolean => matches(parseReference(text));
  const summaries = selected.map((image): ImageSummary => {
    const summary = toSummary(parts, image, use);
    // An image with several names is listed by those that were asked for.
    return { ...summary, RepoTags: summary.RepoTags.filter(isListed) };
  });
  reply.json(
    200,
    summaries.map((summary) => forVersion(summary, apiVersion)),
  );
}

/** Older clients expect placeholders instead of empty lists, and a second size. */
function forVersion(summary: ImageSummary, version: ApiVersion): ImageSummary {
  const untagged = summary.RepoTags.length === 0 && summary.RepoDigests.length === 0;
  return {
    ...withVirtualSize<ImageSummary>(summary, version),
    ...(untagged && !version.atLeast('1.43')
      ? { RepoTags: ['<none>:<none>'], RepoDigests: ['<none>@<none>'] }
      : {}),
    ...(version.atLeast('1.51') ? {} : { Containers: -1 }),
  };
}

/**
 * Of an image that was not committed from a container. Docker has left it out since 1.45, and docker-compose 1, which
 * speaks the newest version, has failed since: it reads `Volumes` in it whenever it replaces a container.
 */
const NO_CONFIG = { Cmd: null, Entrypoint: null, Env: null, Labels: null, Volumes: null };

/** What newer clients no longer expect. */
function inspectForVersion(inspect: ImageInspect, version: ApiVersion): ImageInspect {
  const { Container = '', ContainerConfig = NO_CONFIG, ...rest } = inspect;
  const said = { ...rest, ContainerConfig, ...(version.atLeast('1.45') ? {} : { Container }) };
  return withVirtualSize<ImageInspect>(said, version);
}

function withVirtualSize<T extends { Size: number }>(image: T, version: ApiVersion): T {
  return version.atLeast('1.44') ? image : { ...image, VirtualSize: image.Size };
}

/** Every failure is a line of a 200 stream, also that of an archive that is no archive: clients look for it there. */
async function loadImages(images: Images, { request, query, signal, reply }: RouteContext): Promise<void> {
  const quiet = query.boolean('quiet', true);
  let lines: JsonLines | undefined;
  // The head goes out with the first thing to say: a client that is still sending reads no reply yet.
  const write = async (message: object): Promise<void> => {
    lines ??= reply.jsonLines();
    await lines.write(message);
  };
  try {
    await images.load(request, signal, async (progress) => {
      for (const message of loadMessages(progress, quiet)) await write(message);
    });
  } catch (error) {
    await write(errorLine(error));
  }
  lines?.end();
}

function loadMessages(progress: LoadProgress, quiet: boolean): object[] {
  if (progress.kind === 'loaded') {
    const { references, id } = progress.image;
    if (references.length === 0) return [{ stream: `Loaded image ID: ${id}\n` }];
    const renamed = progress.replaced.map(
      (other) =>
        `The image ${formatFamiliar(other.reference)} already exists, renaming the old one with ID ${other.id} to empty string\n`,
    );
    const loaded = references.map((reference) => `Loaded image: ${formatFamiliar(reference)}\n`);
    return [...renamed, ...loaded].map((stream) => ({ stream }));
  }
  if (quiet) return [];
  const { current, total, name } = progress;
  return [
    {
      status: 'Loading layer',
      progressDetail: { current, total },
      id: (/[0-9a-f]{12}/.exec(name)?.[0] ?? name).slice(0, 12),
    },
  ];
}

/** `docker import` (fromSrc) and `docker pull` (fromImage). */
async function createImage(
  { images: { parts }, registries }: ImageDomains,
  context: RouteContext,
): Promise<void> {
  const { query, signal } = context;
  if (query.string('fromImage')) return pullImage(registries, context);
  const source = query.string('fromSrc');
  if (source === undefined || source === '') throw invalidArgument('neither fromImage nor fromSrc is given');
  const request = {
    reference: repositoryReference(query.string('repo') ?? '', query.string('tag') ?? ''),
    changes: query.all('changes'),
    message: query.string('message') || `Imported from ${source}`,
    architecture: goArchitecture(),
    signal,
  };
  await streamProgress(context, async (progress) => {
    const content =
      source === '-' ? context.request : await fetchSource(registries, source, signal, progress);
    progress.send({ status: await importImage(parts, { ...request, source: content }) });
  });
}

/** An import's root file system from the web, with progress. */
async function fetchSource(
  registries: Registries,
  url: string,
  signal: AbortSignal,
  progress: ProgressStream,
): Promise<ByteSource> {
  const { content, lengthBytes: total } = await registries.download(url, signal);
  progress.send({ status: `Downloading from ${url}` });
  const report = throttled(({ status, ...counts }) => progress.send(layerMessage('', { status, ...counts })));
  async function* counted(): ByteSource {
    let current = 0;
    for await (const chunk of content) {
      yield chunk;
      current += chunk.length;
      report({ status: 'Importing', current, total });
    }
  }
  return counted();
}

/** `repo` and `tag` of a request; undefined without a repository. */
export function repositoryReference(repository: string, tag: string): Reference | undefined {
  if (repository === '') return undefined;
  const reference = parseReference(tag === '' ? repository : `${repository}:${tag}`);
  if (reference.digest !== undefined) throw invalidArgument('cannot import digest reference');
  return withDefaultTag(reference);
}
