import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { KeyedMutex } from '../lib/mutex.ts';
import type { BuildArgs } from './build-args.ts';
import type { BuildCache } from './build-cache.ts';
import type { BuildOptions } from './build-options.ts';
import type { BaseImage, BuildDeps } from './builder-deps.ts';
import type { SourceTree } from './source-tree.ts';
import type { BuildMessage } from './step-output.ts';

/** What the stages of one build share. */
export interface BuildSession {
  deps: BuildDeps;
  options: BuildOptions;
  args: BuildArgs;
  cache: BuildCache;
  /** undefined: a Dockerfile without a context. */
  context: SourceTree | undefined;
  /** Private to this build, removed with it. */
  directory: string;
  /** All instructions as written. */
  sources: ReadonlySet<string>;
  /** Serialises `RUN --mount=type=cache,sharing=locked` of one cache, over all builds. */
  cacheLocks: KeyedMutex;
  /** `os/arch[/variant]` that the result is for. */
  platform: string;
  /** Seconds since the epoch of all that this build makes. */
  now: number;
  /** SOURCE_DATE_EPOCH: nothing is younger; undefined: not given. */
  epoch: number | undefined;
  signal: AbortSignal;
  /** Images by stage index, once finished. */
  stages: Map<number, Promise<BaseImage | undefined>>;
  /** Index of the stage a name or number in this stage means; undefined: an image. */
  findStage(name: string, before: number): number | undefined;
  /** The image of that name, fetched when it is not here. */
  resolveImage(
    reference: string,
    platform: string,
    write: (message: BuildMessage) => Promise<void>,
  ): Promise<BaseImage>;
}

/** RFC 3339, for what is made just now: without SOURCE_DATE_EPOCH nothing made anew is the same as before. */
export function createdAt({ epoch }: BuildSession): string {
  return new Date(epoch === undefined ? Date.now() : epoch * 1000).toISOString();
}

/** A new name in the build's own directory. */
export function spoolFile({ directory }: BuildSession): string {
  return path.join(directory, randomBytes(8).toString('hex'));
}
