import path from 'node:path';
import { applyInstruction } from '../dockerfile/apply-instruction.ts';
import { DockerfileError, SyntaxMistake } from '../dockerfile/dockerfile-error.ts';
import type { Arg, ConfigInstruction, StageInstruction, Workdir } from '../dockerfile/instructions.ts';
import { readLogicalLines } from '../dockerfile/logical-lines.ts';
import { parseInstruction } from '../dockerfile/parse-instruction.ts';
import { errnoOf } from '../lib/errors.ts';
import { BuildError } from './build-error.ts';
import type { BuildSession } from './build-session.ts';
import type { BaseImage } from './builder-deps.ts';
import { CopyLayer, fromRoot } from './copy-layer.ts';
import { copyFiles } from './copy-step.ts';
import { runCommand } from './run-step.ts';
import type { PlannedStage } from './stage-graph.ts';
import { StageState } from './stage-state.ts';
import { nop, perform, shortId, type Step } from './step.ts';
import type { BuildMessage } from './step-output.ts';

export interface StageProgress {
  /** `Step 2/5 : `, counting on. */
  nextStep: (source: string) => Promise<void>;
  write: (message: BuildMessage) => Promise<void>;
}

/** Builds a stage to its end; undefined: FROM scratch and nothing else. */
export async function buildStage(
  session: BuildSession,
  planned: PlannedStage,
  extra: readonly StageInstruction[],
  progress: StageProgress,
  escape: string,
): Promise<BaseImage | undefined> {
  const { stage, index } = planned;
  const print = (text: string): Promise<void> => progress.write({ stream: text });
  await progress.nextStep(stage.from.source);
  const base = await baseOf(session, planned, progress.write);
  const platform = planned.platform ?? session.platform;
  const state = new StageState(base, platform, session.args.forStage(), escape);
  await print(` ---> ${shortId(state.imageId)}\n`);
  const step: Step = { session, state, stageIndex: index, write: progress.write, print };
  await runTriggers(step, escape);
  for (const instruction of [...stage.instructions, ...extra]) {
    session.signal.throwIfAborted();
    await progress.nextStep(instruction.source);
    await dispatch(step, instruction);
    await print(` ---> ${shortId(state.imageId)}\n`);
  }
  if (state.imageId === undefined) return undefined;
  return { id: state.imageId, config: state.image };
}

async function baseOf(
  session: BuildSession,
  { base, baseStage, platform }: PlannedStage,
  write: (message: BuildMessage) => Promise<void>,
): Promise<BaseImage | undefined> {
  if (baseStage !== undefined) return session.stages.get(baseStage);
  if (base === 'scratch') return undefined;
  return session.resolveImage(base, platform ?? session.options.platform, write);
}

/** ONBUILD instructions of the base, before those of the Dockerfile. */
async function runTriggers(step: Step, escape: string): Promise<void> {
  const triggers = step.state.config.OnBuild ?? [];
  if (triggers.length === 0) return;
  await step.print(`# Executing ${triggers.length} build trigger${triggers.length > 1 ? 's' : ''}\n`);
  const { OnBuild: _, ...config } = step.state.config;
  step.state.config = config;
  for (const trigger of triggers) {
    const [line] = readLogicalLines(trigger).lines;
    const instruction = line && parseInstruction(line, escape);
    if (!instruction || instruction.kind === 'from')
      throw new DockerfileError(1, 'onbuild trigger should be a single expression');
    await dispatch(step, instruction);
  }
}

/** Throws DockerfileError for what only shows when variables are replaced. */
async function dispatch(step: Step, instruction: StageInstruction): Promise<void> {
  try {
    if (instruction.kind === 'run') await runCommand(step, instruction);
    else if (instruction.kind === 'copy' || instruction.kind === 'add') await copyFiles(step, instruction);
    else if (instruction.kind === 'arg') await declareArgs(step, instruction);
    else if (instruction.kind === 'workdir') await changeDirectory(step, instruction);
    else await configure(step, instruction);
  } catch (error) {
    if (error instanceof SyntaxMistake) throw new DockerfileError(instruction.line, error.message);
    throw error;
  }
}

async function configure(step: Step, instruction: ConfigInstruction): Promise<void> {
  const { state } = step;
  const { config, comment } = applyInstruction(state.config, instruction, state.expansion);
  state.config = config;
  if (instruction.kind === 'maintainer') state.author = instruction.text;
  if (instruction.kind === 'cmd') state.cmdSet = true;
  if (instruction.kind === 'entrypoint' && !state.cmdSet) {
    const { Cmd: _, ...rest } = state.config;
    state.config = rest;
  }
  await perform(step, {
    facts: ['config', comment, state.config],
    createdBy: nop(comment),
    inputs: { source: instruction.source, files: undefined },
    async make() {
      if (instruction.kind === 'volume') await refuseVolumesOverFiles(step);
      return undefined;
    },
  });
}

/** No container could be made of such an image. Throws Docker's text. */
async function refuseVolumesOverFiles({ session, state }: Step): Promise<void> {
  if (state.imageId === undefined) return;
  const lowers = session.deps.images.lowerDirectories(state.imageId);
  if (lowers.length === 0) return;
  for (const volume of Object.keys(state.config.Volumes ?? {})) {
    const place = path.posix.resolve('/', volume);
    try {
      await session.deps.runTask(['find-directory', place, ...lowers]);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') continue;
      if (errnoOf(error) !== 'ENOTDIR') throw error;
      const message = `cannot mount volume over existing file, file exists ${place}`;
      throw new BuildError(message, { cause: error });
    }
  }
}

async function declareArgs(step: Step, instruction: Arg): Promise<void> {
  const { state } = step;
  const texts: string[] = [];
  for (const { name, defaultValue } of instruction.args) {
    const { word } = state.expansion;
    const value = defaultValue === undefined ? undefined : word(defaultValue);
    state.args.declare(word(name), value);
    texts.push(value === undefined ? word(name) : `${word(name)}=${value}`);
  }
  // The value counts where it is used, not here.
  const comment = `ARG ${texts.join(' ')}`;
  await perform(step, {
    facts: ['arg', comment],
    createdBy: nop(comment),
    inputs: { source: instruction.source, files: undefined },
    make: async () => undefined,
  });
}

async function changeDirectory(step: Step, instruction: Workdir): Promise<void> {
  const { state, session } = step;
  const { config, comment } = applyInstruction(state.config, instruction, state.expansion);
  state.config = config;
  const directory = config.WorkingDir ?? '/';
  await perform(step, {
    facts: ['workdir', directory],
    createdBy: nop(comment),
    inputs: { source: instruction.source, files: undefined },
    async make() {
      const { files, images } = session.deps;
      const lowers = state.imageId === undefined ? [] : images.lowerDirectories(state.imageId);
      const destination = lowers.length > 0 ? await files.walk(lowers, directory) : fromRoot(directory);
      if (destination.rest === '') return undefined;
      const layer = new CopyLayer(destination, {
        asDirectory: true,
        owner: undefined,
        chmod: undefined,
        now: session.now,
        latest: session.epoch,
      });
      layer.addDirectory();
      return (await images.layers.ingest({ signal: session.signal }, layer.tar())).diffId;
    },
  });
}
