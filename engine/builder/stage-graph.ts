import { findStage, type Dockerfile, type Stage } from '../dockerfile/dockerfile.ts';
import { DockerfileError, SyntaxMistake } from '../dockerfile/dockerfile-error.ts';
import { expandWord } from '../dockerfile/words.ts';
import { invalidArgument } from '../lib/errors.ts';
import type { BuildArgs } from './build-args.ts';
import { parseRunMount } from './run-mount.ts';

/** A stage that has to be built, with what it stands on. */
export interface PlannedStage {
  /** In the Dockerfile. */
  index: number;
  stage: Stage;
  /** Name of the image, variables replaced; of the stage when `baseStage` is set. */
  base: string;
  /** Index of the stage it is FROM. */
  baseStage: number | undefined;
  platform: string | undefined;
  /** Indices of all stages that must be finished before it ends. */
  needs: Set<number>;
}

/** Stages that the target needs, in the order of the Dockerfile. Throws DockerfileError, invalid-argument. */
export function planStages(dockerfile: Dockerfile, target: string, args: BuildArgs): PlannedStage[] {
  const { stages } = dockerfile;
  const planned = stages.map((stage, index) => planStage(dockerfile, stage, index, args));
  const last = target === '' ? stages.length - 1 : findStage(stages, target);
  if (last === undefined) throw invalidArgument(`target stage "${target}" could not be found`);
  const needed = new Set<number>();
  const visit = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    for (const other of planned[index]?.needs ?? []) visit(other);
  };
  visit(last);
  return planned.filter(({ index }) => needed.has(index));
}

function planStage(
  { stages, escape }: Dockerfile,
  stage: Stage,
  index: number,
  args: BuildArgs,
): PlannedStage {
  const { from, instructions } = stage;
  const expand = (text: string): string => {
    try {
      return expandWord(text, { escape, variables: (name) => args.globalValue(name) });
    } catch (error) {
      if (error instanceof SyntaxMistake) throw new DockerfileError(from.line, error.message);
      throw error;
    }
  };
  const base = expand(from.image);
  if (base === '') throw new DockerfileError(from.line, `base name (${from.image}) should not be blank`);
  const earlier = stages.slice(0, index);
  const byName = earlier.findLastIndex((other) => other.from.alias === base.toLowerCase());
  const needs = new Set<number>(byName >= 0 ? [byName] : []);
  for (const instruction of instructions) {
    for (const source of stageSources(instruction)) {
      const found = findStage(earlier, source);
      const fault = found === undefined ? faultOf(stages, index, source) : undefined;
      if (found !== undefined) needs.add(found);
      if (fault !== undefined)
        throw new DockerfileError(instruction.line, `invalid from flag value ${source}: ${fault}`);
    }
  }
  const platform = from.platform === undefined ? undefined : expand(from.platform);
  return { index, stage, base, baseStage: byName >= 0 ? byName : undefined, platform, needs };
}

/**
 * Why `source` is no stage that stage `index` can take from; undefined: it is an image. Taking only from stages above
 * it keeps stages from needing each other in a circle.
 */
function faultOf(stages: readonly Stage[], index: number, source: string): string | undefined {
  const later = stages.slice(index + 1).some(({ from }) => from.alias === source.toLowerCase());
  if (stages[index]?.from.alias === source.toLowerCase() || source === String(index))
    return 'refers to current build stage';
  if (later) return 'the stage is not built before this one';
  return /^\d+$/.test(source) ? 'index out of bounds' : undefined;
}

function stageSources(instruction: Stage['instructions'][number]): string[] {
  if (instruction.kind === 'copy') return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind !== 'run') return [];
  return instruction.mounts.flatMap((mount) => parseRunMount(mount, (text) => text).from ?? []);
}
