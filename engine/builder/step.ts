import { DEFAULT_SHELL } from '../dockerfile/apply-instruction.ts';
import { cacheKey } from './build-cache.ts';
import { createdAt, type BuildSession } from './build-session.ts';
import { findImported } from './cache-import.ts';
import { explainMiss, type MissReason, type StepInputs } from './explain-miss.ts';
import type { StageState } from './stage-state.ts';
import type { BuildMessage } from './step-output.ts';

/** One step of a stage, while it is done. */
export interface Step {
  session: BuildSession;
  state: StageState;
  /** In the Dockerfile. */
  stageIndex: number;
  write: (message: BuildMessage) => Promise<void>;
  print: (text: string) => Promise<void>;
}

/** How a step's result is found again, and how it is made when it is not. */
export interface StepWork {
  /** Everything that decides the result, besides what came before. */
  facts: unknown[];
  /** History, e.g. `/bin/sh -c #(nop)  ENV A=1`. */
  createdBy: string;
  /** For explaining a miss. */
  inputs: StepInputs;
  /** Answers the diff-id of the layer made, with one reference held; undefined: none. */
  make: () => Promise<string | undefined>;
}

/** Takes the step from the cache, or does it and remembers it. */
export async function perform(step: Step, work: StepWork): Promise<void> {
  const { session, state, print } = step;
  const { cache, options, deps } = session;
  const key = cacheKey(state.key, work.facts, session.epoch);
  // Named sources are the only ones then, as in Docker.
  if (!options.noCache && options.cacheFrom.length === 0) {
    const cached = cache.get(key);
    const image = cached && deps.images.find(cached.imageId, '');
    if (image) {
      await print(' ---> Using cache\n');
      return state.advance(key, image);
    }
  }
  const imported = options.noCache ? undefined : findImported(session, state, work.createdBy);
  if (imported?.diffId !== undefined) deps.images.layers.acquire(imported.diffId);
  if (imported) await print(' ---> Using cache\n');
  else {
    const reason: MissReason = options.noCache
      ? { kind: 'cache-not-asked' }
      : explainMiss(cache, state.key, work.inputs, session.sources);
    await step.write({ gantry: { notCached: reason } });
  }
  const diffId = imported ? imported.diffId : await work.make();
  const config = state.nextImage(work.createdBy, imported?.created || createdAt(session), diffId);
  const id = await deps.images.addStep(config, state.imageId, diffId);
  const sizeBytes = diffId === undefined ? 0 : (deps.images.layers.get(diffId)?.sizeBytes ?? 0);
  cache.put(key, {
    imageId: id,
    parent: state.key,
    description: work.createdBy,
    sizeBytes,
    ...work.inputs,
  });
  state.advance(key, { id, config });
}

/** How history tells an instruction that ran nothing. */
export function nop(comment: string): string {
  return `${DEFAULT_SHELL.join(' ')} #(nop)  ${comment}`;
}

export function shortId(id: string | undefined): string {
  return (id ?? '').replace(/^sha256:/, '').slice(0, 12);
}
