import type { ContainerSummary } from '../../../electron/api/types.ts';
import type { Tone } from '../design/badge.tsx';

type ContainerState = ContainerSummary['state'];

export function isLive(state: ContainerState): boolean {
  return state === 'running' || state === 'paused' || state === 'restarting';
}

/** The exit code Docker's status text carries: `Exited (137) 2 hours ago`. */
export function exitCodeOf(status: string): number | undefined {
  const match = /^Exited \((-?\d+)\)/.exec(status);
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

/** Colour of the dot: health first, then state; a clean exit is grey, a failed one red. */
export function stateTone(container: Pick<ContainerSummary, 'state' | 'health' | 'status'>): Tone {
  const code = exitCodeOf(container.status) ?? 0;
  const tones: Record<ContainerState, Tone> = {
    created: 'idle',
    running: container.health === 'unhealthy' ? 'bad' : container.health === 'starting' ? 'warn' : 'good',
    paused: 'warn',
    restarting: 'warn',
    removing: 'warn',
    exited: code === 0 || code === 143 ? 'idle' : 'bad',
    dead: 'bad',
  };
  return tones[container.state];
}

export type Verb = 'start' | 'stop' | 'restart' | 'pause' | 'unpause' | 'kill' | 'remove';

const allowed: Record<Verb, ContainerState[]> = {
  start: ['created', 'exited', 'dead'],
  stop: ['running', 'paused', 'restarting'],
  restart: ['created', 'running', 'paused', 'restarting', 'exited'],
  pause: ['running'],
  unpause: ['paused'],
  kill: ['running', 'paused', 'restarting'],
  remove: ['created', 'running', 'paused', 'restarting', 'exited', 'dead'],
};

/** Which verbs make sense in a state. */
export function canDo(verb: Verb, state: ContainerState): boolean {
  return allowed[verb].includes(state);
}
