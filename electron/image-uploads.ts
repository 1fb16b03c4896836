import type { PassThrough } from 'node:stream';
import type Dockerode from 'dockerode';
import { familiarName, parseReference, withDefaultTag } from '../engine/images/reference.ts';
import { failure } from './api/failures.ts';
import { jsonLines } from './api/streams.ts';
import { Uploads } from './uploads.ts';

/** `importAs`: what comes is no archive of images but a root file system, to be called so. */
type ImageTarget = { importAs: string | undefined };

/** The engine's words about what it loaded. */
export type ImageUploads = Uploads<ImageTarget, string[]>;

interface LoadMessage {
  stream?: string;
  status?: string;
  error?: string;
  errorDetail?: { message?: string };
}

/** `docker save` archives and root file systems. */
export function createImageUploads(docker: Dockerode): ImageUploads {
  return new Uploads(async ({ importAs }, body) => messagesOf(await send(docker, body, importAs)));
}

async function send(
  docker: Dockerode,
  body: PassThrough,
  importAs: string | undefined,
): Promise<NodeJS.ReadableStream> {
  if (importAs === undefined) return docker.loadImage(body, { quiet: true });
  const { name, tag } = withDefaultTag(parseReference(importAs));
  if (tag === undefined) throw failure('BAD_REQUEST', 'a tag cannot be a digest');
  return docker.importImage(body, { repo: familiarName(name), tag });
}

async function messagesOf(reply: NodeJS.ReadableStream): Promise<string[]> {
  reply.on('error', () => undefined);
  const messages: string[] = [];
  for await (const message of jsonLines<LoadMessage>(reply)) {
    const error = message.errorDetail?.message ?? message.error;
    if (error) throw failure('BAD_REQUEST', error);
    const text = (message.stream ?? message.status ?? '').trim();
    if (text) messages.push(text);
  }
  return messages;
}
