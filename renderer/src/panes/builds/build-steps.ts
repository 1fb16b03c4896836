import type { BuildMessage, DockerfileStage, MissReason } from '../../../../electron/api/types.ts';

export interface BuildStep {
  number: number;
  total: number;
  /** The instruction as written. */
  source: string;
  /** `stopped`: the build ended before the step did. */
  state: 'running' | 'cached' | 'done' | 'failed' | 'stopped';
  /** Why it was not taken from the cache. */
  notCached: MissReason | undefined;
  /** ms since the epoch. */
  startedAt: number | undefined;
  finishedAt: number | undefined;
  /** What it printed, with escape sequences. */
  output: string;
}

export interface BuildProgress {
  steps: readonly BuildStep[];
  /** The stages as the engine planned them, in the order of their steps; undefined where it does not tell. */
  plan: readonly DockerfileStage[] | undefined;
  /** What belongs to no step: warnings, what was built and tagged. */
  notes: string;
  /** Of the engine's history; '' where it keeps none. */
  buildId: string;
  imageId: string;
  error: string;
}

export const noProgress: BuildProgress = {
  steps: [],
  plan: undefined,
  notes: '',
  buildId: '',
  imageId: '',
  error: '',
};

/** Longest output that is kept of one step; its beginning goes first. */
const MAX_OUTPUT = 256 * 1024;

/** The progress of a build after more messages of the classic build stream. */
export function addMessages(progress: BuildProgress, messages: readonly BuildMessage[]): BuildProgress {
  const next = { ...progress, steps: [...progress.steps] };
  for (const message of messages) addMessage(next, message);
  return next;
}

/** Once nothing more comes: a step that is still open was not finished. */
export function endProgress(progress: BuildProgress, time: number | undefined): BuildProgress {
  const steps = progress.steps.map((step) => (step.state === 'running' ? unfinished(step, time) : step));
  return { ...progress, steps };
}

type Draft = Omit<BuildProgress, 'steps'> & { steps: BuildStep[] };

function addMessage(draft: Draft, message: BuildMessage): void {
  const { stream, aux, gantry, time } = message;
  if (gantry?.build !== undefined) draft.buildId = gantry.build;
  if (gantry?.stages !== undefined) draft.plan = gantry.stages;
  if (gantry?.notCached !== undefined) changeLast(draft, { notCached: gantry.notCached });
  if (aux?.ID !== undefined) draft.imageId = aux.ID;
  if (stream !== undefined) addText(draft, stream, time);
  if (message.status !== undefined && !message.progressDetail?.total) print(draft, pullLine(message));
  const error = message.errorDetail?.message ?? message.error;
  if (error === undefined) return;
  draft.error = error;
  if (openStep(draft)) changeLast(draft, { state: 'failed', finishedAt: time });
}

function addText(draft: Draft, text: string, time: number | undefined): void {
  const header = /^Step (\d+)\/(\d+) : (.*?)\n?$/s.exec(text);
  const open = openStep(draft);
  if (header && isNext(header, draft.steps.at(-1))) {
    if (open) draft.steps[draft.steps.length - 1] = unfinished(open, time);
    draft.steps.push(beginStep(header, time));
  } else if (text === ' ---> Using cache\n' && open) changeLast(draft, { state: 'cached' });
  else if (/^ ---> (?:[0-9a-f]{12})?\n$/.test(text)) finishStep(draft, time);
  else if (!/^(?: ---> Running in|Removing intermediate container| ---> Removed)/.test(text))
    print(draft, text);
}

/** Output can look like a step, but hardly like the very next one. */
function isNext([, number, total]: RegExpExecArray, last: BuildStep | undefined): boolean {
  return Number(number) === (last?.number ?? 0) + 1 && Number(total) === (last?.total ?? Number(total));
}

function beginStep([, number, total, source]: RegExpExecArray, time: number | undefined): BuildStep {
  return {
    number: Number(number),
    total: Number(total),
    source: source ?? '',
    state: 'running',
    notCached: undefined,
    startedAt: time,
    finishedAt: undefined,
    output: '',
  };
}

function finishStep(draft: Draft, time: number | undefined): void {
  const last = draft.steps.at(-1);
  if (!last || last.finishedAt !== undefined) return;
  if (last.state === 'cached') changeLast(draft, { finishedAt: time });
  else if (last.state === 'running') changeLast(draft, { state: 'done', finishedAt: time });
}

/** An ARG before the first FROM has no end of its own. */
function unfinished(step: BuildStep, time: number | undefined): BuildStep {
  const isArgument = /^ARG\s/i.test(step.source);
  return { ...step, state: isArgument ? 'done' : 'stopped', finishedAt: isArgument ? step.startedAt : time };
}

function openStep({ steps }: Draft): BuildStep | undefined {
  const last = steps.at(-1);
  return last?.state === 'running' ? last : undefined;
}

function changeLast({ steps }: Draft, part: Partial<BuildStep>): void {
  const last = steps.at(-1);
  if (last) steps[steps.length - 1] = { ...last, ...part };
}

function print(draft: Draft, text: string): void {
  const step = openStep(draft);
  // Docker ends the line of a step with a message of its own.
  if (text === '\n' && step?.output === '') return;
  if (step) changeLast(draft, { output: (step.output + text).slice(-MAX_OUTPUT) });
  else draft.notes = (draft.notes + text).slice(-MAX_OUTPUT);
}

function pullLine({ id, status }: BuildMessage): string {
  return `${id === undefined || id === '' ? '' : `${id}: `}${status ?? ''}\n`;
}

/** The whole log as Docker's client prints it. */
export function logText(messages: readonly BuildMessage[]): string {
  return messages
    .map((message) => {
      const error = message.errorDetail?.message ?? message.error;
      if (error !== undefined) return `${error}\n`;
      if (message.status !== undefined) return message.progressDetail?.total ? '' : pullLine(message);
      return message.stream ?? '';
    })
    .join('');
}

export interface StageView {
  index: number;
  name: string;
  base: string;
  /** How many there are beside FROM. */
  instructions: number;
  /** Indices of stages it takes from. */
  needs: number[];
  state?: BuildStep['state'];
}

/** The stages with what became of them: as planned, or as far as the text of the steps tells. */
export function stagesOf({ plan, steps }: Pick<BuildProgress, 'plan' | 'steps'>): StageView[] {
  if (!plan) return stagesFromText(steps);
  const groups = stepsByStage(steps);
  return plan.map((stage, position) => {
    const own = groups[position];
    return own ? { ...stage, state: stateOf(own) } : stage;
  });
}

function stepsByStage(steps: readonly BuildStep[]): BuildStep[][] {
  const groups: BuildStep[][] = [];
  for (const step of steps) {
    if (/^FROM\s/i.test(step.source)) groups.push([]);
    groups.at(-1)?.push(step);
  }
  return groups;
}

/** A name in a variable is not resolved. */
function stagesFromText(steps: readonly BuildStep[]): StageView[] {
  const stages: StageView[] = [];
  const find = (name: string) =>
    stages.findLast((stage) => stage.name !== '' && stage.name.toLowerCase() === name.toLowerCase());
  for (const [from, ...instructions] of stepsByStage(steps)) {
    if (!from) continue;
    const [, base = '', name = ''] = /^FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(from.source) ?? [];
    const taken = instructions.flatMap(({ source }) =>
      [...source.matchAll(/(?:--from=|[,=]from=)([^\s,]+)/g)].map(([, other = '']) => other),
    );
    const needed = [base, ...taken].flatMap((other) => find(other)?.index ?? []);
    stages.push({
      index: stages.length,
      name,
      base,
      instructions: instructions.length,
      needs: [...new Set(needed)],
      state: stateOf([from, ...instructions]),
    });
  }
  return stages;
}

function stateOf(steps: readonly BuildStep[]): BuildStep['state'] {
  const states = steps.slice(steps.length > 1 ? 1 : 0).map(({ state }) => state);
  for (const state of ['failed', 'running', 'stopped'] as const) if (states.includes(state)) return state;
  return states.every((state) => state === 'cached') ? 'cached' : 'done';
}
