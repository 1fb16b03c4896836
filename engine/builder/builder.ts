import { randomBytes } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { findStage, parseDockerfile, type Dockerfile } from '../dockerfile/dockerfile.ts';
import type { StageInstruction } from '../dockerfile/instructions.ts';
import { lintDockerfile, warningsAreErrors } from '../dockerfile/lint.ts';
import { expandWord } from '../dockerfile/words.ts';
import { invalidArgument } from '../lib/errors.ts';
import { KeyedMutex } from '../lib/mutex.ts';
import { BuildArgs, platformArgs } from './build-args.ts';
import { BuildCache, type CacheEntry } from './build-cache.ts';
import { readContext, type ContextSource } from './build-context.ts';
import { BuildHistory } from './build-history.ts';
import type { BuildOptions } from './build-options.ts';
import type { BuildSession } from './build-session.ts';
import { buildStage } from './build-stage.ts';
import { shortId } from './step.ts';
import { describeStages } from './describe-dockerfile.ts';
import type { BaseImage, BuildDeps } from './builder-deps.ts';
import { forgetSecrets } from './run-secrets.ts';
import { planStages, type PlannedStage } from './stage-graph.ts';
import { removeStrays } from './stray-containers.ts';
import { OrderedOutput, type WriteMessage } from './step-output.ts';

interface BuildRequest {
  source: ContextSource;
  options: BuildOptions;
  /** Canonical names for the result. */
  tags: readonly string[];
  signal: AbortSignal;
  /** Docker's stream, line by line. Nothing is written before the Dockerfile has been read and understood. */
  write: WriteMessage;
}

export interface PruneRequest {
  /** Also entries that images with names are made of. */
  all: boolean;
  /** Remove only what was last used before, ms since the epoch. */
  until: number | undefined;
  /** Keep so many bytes, the least recently used go first. */
  keepBytes: number;
}

/** The build domain. No I/O before `start`. */
export interface Builder {
  start(): Promise<void>;
  /** Resolves with the image's ID. Throws EngineError; after the first line, what it throws belongs into the stream. */
  build(request: BuildRequest): Promise<string>;
  /** The last builds. */
  readonly history: Pick<BuildHistory, 'list' | 'get'>;
  /** For `docker system df`. */
  cacheEntries(): [key: string, entry: CacheEntry][];
  /** Removes cache entries and the images only they need. */
  prune(request: PruneRequest): Promise<{ deleted: string[]; reclaimedBytes: number }>;
}

export function createBuilder(deps: BuildDeps): Builder {
  const temporary = path.join(deps.dataRoot, 'tmp', 'build');
  const cache = new BuildCache(path.join(deps.dataRoot, 'build', 'cache.json'));
  const cacheLocks = new KeyedMutex();
  const history = new BuildHistory(path.join(deps.dataRoot, 'build', 'history'), deps.events);
  return {
    history,
    async start() {
      await mkdir(temporary, { recursive: true, mode: 0o700 });
      // What builds of a killed engine left.
      for (const name of await readdir(temporary)) await rm(path.join(temporary, name), { recursive: true });
      await forgetSecrets(deps);
      await removeStrays(deps);
      await history.start();
      await cache.start((id) => deps.images.find(id, '') !== undefined);
    },
    async build(request) {
      const directory = path.join(temporary, randomBytes(8).toString('hex'));
      await mkdir(directory, { mode: 0o700 });
      try {
        const place = { deps, cache, cacheLocks, directory };
        const { tellOwn, secrets } = request.options;
        const told = { tags: request.tags, tellOwn, secrets: secrets.values() };
        return await history.record(told, request.write, (write) => runBuild(place, { ...request, write }));
      } finally {
        await rm(directory, { recursive: true, force: true });
        await deps.images.flush();
        await cache.save();
      }
    },
    cacheEntries: () => cache.entries(),
    async prune({ all, until, keepBytes }) {
      const oldestFirst = cache.entries().sort(([, a], [, b]) => (a.usedAt < b.usedAt ? -1 : 1));
      let kept = oldestFirst.reduce((sum, [, { sizeBytes }]) => sum + sizeBytes, 0);
      const removed: [string, CacheEntry][] = [];
      for (const [key, entry] of oldestFirst) {
        const isOld = until === undefined || Date.parse(entry.usedAt) < until;
        if (!isOld || (keepBytes > 0 && kept <= keepBytes)) continue;
        if (!all && deps.images.isNeeded(entry.imageId)) continue;
        cache.delete(key);
        kept -= entry.sizeBytes;
        removed.push([key, entry]);
      }
      const reclaimedBytes = await deps.images.removeSteps(
        removed.map(([, { imageId }]) => imageId).reverse(),
      );
      await cache.save();
      deps.events.publish({
        type: 'builder',
        action: 'prune',
        actor: { id: '', attributes: { reclaimed: String(reclaimedBytes) } },
      });
      return { deleted: removed.map(([key]) => key), reclaimedBytes };
    },
  };
}

type Place = Pick<BuildSession, 'deps' | 'cache' | 'cacheLocks' | 'directory'>;

async function runBuild(
  place: Place,
  { source, options, tags, signal, write }: BuildRequest,
): Promise<string> {
  const { deps, directory } = place;
  const { decompress } = deps;
  const context = await readContext(source, options.dockerfile, path.join(directory, 'context'), {
    decompress,
    signal,
  });
  try {
    const dockerfile = parseDockerfile(context.dockerfile);
    const platform = options.platform === '' ? deps.platform : options.platform;
    const args = new BuildArgs(options.buildArgs, platformArgs(deps.platform, platform));
    for (const { args: declared } of dockerfile.globalArgs)
      args.declareGlobal(declared, (text) =>
        expandWord(text, { escape: dockerfile.escape, variables: (name) => args.globalValue(name) }),
      );
    const planned = planStages(dockerfile, options.target, args);
    const session = createSession(place, {
      options,
      signal,
      args,
      platform,
      context: context.tree,
      dockerfile,
    });
    await tellWarnings(dockerfile, options.dockerfile, write);
    await write({ gantry: { stages: describeStages(planned) } });
    const image = await runStages(session, planned, dockerfile, write);
    if (!image) throw invalidArgument('No image was generated. Is your Dockerfile empty?');
    const warning = args.unusedWarning();
    if (warning !== undefined) await write({ stream: warning });
    await write({ stream: `Successfully built ${shortId(image.id)}\n` });
    for (const tag of tags) {
      const name = await deps.images.tag(image.id, tag);
      await write({ stream: `Successfully tagged ${name}\n` });
    }
    return image.id;
  } finally {
    await context.tree?.close();
  }
}

/** Docker's build checks, with file and line. */
async function tellWarnings(dockerfile: Dockerfile, name: string, write: WriteMessage): Promise<void> {
  const warnings = lintDockerfile(dockerfile);
  const file = name === '' ? 'Dockerfile' : name;
  const [first] = warnings;
  if (first && warningsAreErrors(dockerfile))
    throw invalidArgument(
      `lint violation found for rules: ${[...new Set(warnings.map(({ rule }) => rule))].join(', ')}: ${file}:${first.line}: ${first.message}`,
    );
  for (const { rule, line, message } of warnings)
    await write({ stream: `[Warning] ${file}:${line}: ${rule}: ${message}\n` });
}

function createSession(
  place: Place,
  given: Pick<BuildSession, 'options' | 'signal' | 'args' | 'platform' | 'context'> & {
    dockerfile: Dockerfile;
  },
): BuildSession {
  const { dockerfile, ...rest } = given;
  const { images } = place.deps;
  const epoch = readEpoch(rest.options.buildArgs['SOURCE_DATE_EPOCH']);
  // One pull serves all stages that want the image.
  const pulls = new Map<string, Promise<BaseImage>>();
  return {
    ...place,
    ...rest,
    sources: new Set(
      dockerfile.stages.flatMap(({ instructions }) => instructions.map(({ source }) => source)),
    ),
    epoch,
    now: epoch ?? Math.floor(Date.now() / 1000),
    stages: new Map(),
    findStage: (name, before) => findStage(dockerfile.stages.slice(0, before), name),
    async resolveImage(reference, platform, write) {
      const known = rest.options.pull ? undefined : images.find(reference, platform);
      if (known) return known;
      const key = `${platform} ${reference}`;
      const { signal, options } = rest;
      const tell = (line: object): void => void write(line);
      const pull =
        pulls.get(key) ??
        images.pull({ reference, platform, credentials: options.registryAuth, signal, tell });
      pulls.set(key, pull);
      return pull;
    },
  };
}

function readEpoch(text: string | null | undefined): number | undefined {
  if (text === undefined || text === null || text === '') return undefined;
  if (!/^\d{1,12}$/.test(text)) throw invalidArgument(`invalid SOURCE_DATE_EPOCH: ${text}`);
  return Number(text);
}

/** Every stage begins as soon as those it takes from are finished; the first failure stops the others. */
async function runStages(
  session: BuildSession,
  planned: readonly PlannedStage[],
  dockerfile: Dockerfile,
  write: WriteMessage,
): Promise<BaseImage | undefined> {
  const labels = labelInstructions(session.options.labels);
  const total =
    dockerfile.globalArgs.length +
    labels.length +
    planned.reduce((sum, { stage }) => sum + 1 + stage.instructions.length, 0);
  let number = 0;
  const announce = (source: string): object => {
    number += 1;
    return { stream: `Step ${number}/${total} : ${source}\n` };
  };
  for (const { source } of dockerfile.globalArgs) await write(announce(source));
  const output = new OrderedOutput(planned.length, async (message) => {
    await write('source' in message ? announce(String(message.source)) : message);
  });
  const failure = new AbortController();
  const signal = AbortSignal.any([session.signal, failure.signal]);
  const results = planned.map((stage, position) => {
    const result = (async () => {
      for (const needed of stage.needs) await session.stages.get(needed);
      const progress = {
        nextStep: (source: string) => output.write(position, { source }),
        write: (message: object) => output.write(position, message),
      };
      const extra = position === planned.length - 1 ? labels : [];
      const image = await buildStage({ ...session, signal }, stage, extra, progress, dockerfile.escape);
      if (image) await output.write(position, { aux: { ID: image.id } });
      await output.end(position);
      return image;
    })();
    result.catch(() => failure.abort());
    session.stages.set(stage.index, result);
    return result;
  });
  const settled = await Promise.allSettled(results);
  const failed = settled.findIndex(({ status }) => status === 'rejected');
  if (failed >= 0) {
    const reasons = settled.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    );
    await output.endAll(failed);
    session.signal.throwIfAborted();
    // Stages that were stopped fail, too, and so do those that waited: the cause is the one that was not aborted.
    throw reasons.find((reason) => !isAbort(reason)) ?? reasons[0];
  }
  return results.at(-1);
}

function isAbort(reason: unknown): boolean {
  return (
    reason instanceof Error &&
    (reason.name === 'AbortError' || ('kind' in reason && reason.kind === 'cancelled'))
  );
}

/** `--label`, in order of the names. */
function labelInstructions(labels: Readonly<Record<string, string>>): StageInstruction[] {
  return Object.keys(labels)
    .sort()
    .map((name) => {
      const [quotedName, quotedValue] = [name, labels[name] ?? ''].map(quote);
      const pair = { name: quotedName ?? '', value: quotedValue ?? '', spaced: false };
      return { kind: 'label', pairs: [pair], line: 0, endLine: 0, source: `LABEL ${name}=${labels[name]}` };
    });
}

/** Single quotes keep everything but themselves. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'"'"'`)}'`;
}
