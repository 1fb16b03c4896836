import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { checkRequestTypes } from '../../containers/config-types.ts';
import { checkStore } from '../../images/check-store.ts';
import { commitImage } from '../../images/commit-image.ts';
import type { ContainerSnapshots } from '../../images/image-store.ts';
import type { Images } from '../../images/images.ts';
import { saveImages } from '../../images/save-archive.ts';
import type { ContainerConfig } from '../../wire/container.ts';
import { invalidArgument } from '../../lib/errors.ts';
import type { Route, RouteContext } from '../route.ts';
import { askedPlatform, requirePlatform } from './image-platform.ts';
import { repositoryReference } from './images.ts';

interface ImageArchiveDependencies {
  images: Images;
  snapshots: ContainerSnapshots;
}

/** `docker save`, `docker commit`, and the check of what they work on. */
export function imageArchiveRoutes({ images, snapshots }: ImageArchiveDependencies): Route[] {
  return [
    {
      method: 'GET',
      path: '/images/get',
      async handler(context) {
        const names = context.query
          .all('names')
          .flatMap((name) => name.split(','))
          .filter(Boolean);
        if (names.length === 0) throw invalidArgument('no image names given');
        await sendArchive(images, context, names);
      },
    },
    {
      method: 'GET',
      path: '/images/{name...}/get',
      handler: (context) => sendArchive(images, context, [context.params['name'] ?? '']),
    },
    {
      // Beyond Docker: proves the image store whole, and repairs what can be.
      method: 'POST',
      path: '/gantry/v1/fsck',
      async handler({ query, signal, reply }) {
        reply.json(200, await checkStore(images.parts, { repair: query.boolean('repair'), signal }));
      },
    },
    {
      method: 'POST',
      path: '/commit',
      async handler({ query, jsonBody, signal, reply }) {
        const config = (await jsonBody<ContainerConfig>()) ?? {};
        checkRequestTypes(config);
        const container = query.string('container') ?? '';
        if (container === '') throw invalidArgument('container parameter is required');
        const id = await commitImage(images.parts, snapshots, {
          container,
          reference: repositoryReference(query.string('repo') ?? '', query.string('tag') ?? ''),
          comment: query.string('comment') ?? '',
          author: query.string('author') ?? '',
          pause: query.boolean('pause', true),
          changes: query.all('changes'),
          config,
          signal,
        });
        reply.json(201, { Id: id });
      },
    },
  ];
}

async function sendArchive(images: Images, context: RouteContext, names: string[]): Promise<void> {
  const { reply, signal } = context;
  const platform = askedPlatform(context, '1.48');
  if (platform) for (const name of names) requirePlatform(images.parts.catalog.find(name), name, platform);
  const archive = await saveImages(images.parts, names);
  const body = reply.stream(200, { 'Content-Type': 'application/x-tar' });
  await pipeline(Readable.from(archive, { objectMode: false, highWaterMark: 1024 * 1024 }), body, { signal });
}
