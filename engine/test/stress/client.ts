import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { TestEngine } from '../harness.ts';
import type { Random } from '../random.ts';

type Status = 'absent' | 'created' | 'running' | 'paused' | 'exited';

/** What a client knows of one of its containers from the answers it got. */
export interface Belief {
  id: string | undefined;
  /** One, or two while a rename was not answered. */
  names: Set<string>;
  /** How it may be. More than one: an answer was lost with the engine, or a restart policy has a say. */
  statuses: Set<Status>;
  command: 'sleep' | 'exit 3';
  autoRemove: boolean;
  policy: '' | 'always' | 'unless-stopped' | 'on-failure';
  network: 'bridge' | 'none' | 'host';
  published: boolean;
  /** Nothing but its own end can have ended it: the exit code is known. */
  undisturbed: boolean;
  /** Its shim was killed, which the engine may not have noticed yet: until then it can still be paused. */
  shimLost: boolean;
  /** What was asked in this round and how it was answered. */
  history: string[];
}

/** undefined: the engine died before it answered. */
type Answer = { status: number; text: string; json: { Id?: string } } | undefined;

const MAX_CONTAINERS = 4;
const SERVE = ['httpd', '-f', '-p', '80', '-h', '/'];

/**
 * One client that never works on another's containers: what it was told must be true afterwards. Every drawn number
 * depends on the seed alone, the moment at which the engine dies does not.
 */
export class StressClient {
  beliefs: Belief[] = [];
  /** Answers that no client should ever get. */
  readonly surprises: string[] = [];
  readonly #engine: TestEngine;
  readonly #label: string;
  #made = 0;

  constructor(engine: TestEngine, label: string) {
    this.#engine = engine;
    this.#label = label;
  }

  /** Uses the engine until it is gone. */
  async work(random: Random, answered: () => void): Promise<void> {
    for (let alive = true; alive;) {
      const known = this.beliefs.filter(({ statuses }) => !isOnly(statuses, 'absent'));
      const wantsNew =
        known.length === 0 || (known.length < MAX_CONTAINERS && random.chance(known.length < 2 ? 0.7 : 0.2));
      alive = wantsNew ? await this.#create(random) : await this.#use(random, random.pick(known));
      answered();
    }
  }

  /** Once it has been looked for. */
  forgetAbsent(): void {
    this.beliefs = this.beliefs.filter(({ statuses }) => !isOnly(statuses, 'absent'));
  }

  async #call(method: string, target: string, body?: object): Promise<Answer> {
    return this.#engine.api<{ Id?: string }>(method, target, body).catch(() => undefined);
  }

  async #create(random: Random): Promise<boolean> {
    const policy = random.pick(['', '', 'always', 'unless-stopped', 'on-failure'] as const);
    const network = random.pick(['bridge', 'bridge', 'none', 'host'] as const);
    const belief: Belief = {
      id: undefined,
      names: new Set([`${this.#label}-${(this.#made += 1)}`]),
      statuses: new Set(['absent', 'created']),
      command: random.chance(0.75) ? 'sleep' : 'exit 3',
      autoRemove: policy === '' && random.chance(0.3),
      policy,
      network,
      published: network === 'bridge' && random.chance(0.5),
      undisturbed: true,
      shimLost: false,
      history: [],
    };
    this.beliefs.push(belief);
    const answer = await this.#call('POST', `/containers/create?name=${nameOf(belief)}`, requestFor(belief));
    if (answer?.status === 201) {
      belief.id = answer.json.Id;
      belief.statuses = new Set(['created']);
    } else if (answer) {
      belief.statuses = new Set(['absent']);
      this.#surprise('create', answer, []);
    }
    return answer !== undefined;
  }

  async #use(random: Random, belief: Belief): Promise<boolean> {
    const operations = [
      'start',
      'start',
      'stop',
      'exec',
      'remove',
      'kill',
      'rename',
      'pause',
      'unpause',
    ] as const;
    const operation = random.chance(0.04) ? 'lose-shim' : random.pick(operations);
    switch (operation) {
      case 'start':
        return this.#change(belief, 'POST', 'start', [204, 304, 409], (was) => afterStart(belief, was));
      case 'stop':
        return this.#change(belief, 'POST', 'stop?t=0', [204, 304], (was) => afterEnd(belief, was));
      case 'kill':
        return this.#change(belief, 'POST', 'kill', [204, 409], (was) => afterEnd(belief, was));
      case 'pause':
        return this.#change(belief, 'POST', 'pause', [204, 409], (was) => afterPause(belief, was));
      case 'unpause':
        return this.#change(belief, 'POST', 'unpause', [204, 500], (was) =>
          was === 'paused' ? afterStart(belief, 'created') : [was],
        );
      case 'remove':
        return this.#change(belief, 'DELETE', '?force=1&v=1', [204, 409], () => ['absent']);
      case 'rename':
        return this.#rename(belief);
      case 'exec':
        return this.#exec(belief);
      default:
        return this.#loseShim(belief);
    }
  }

  /** `after`: how the container may be when the operation succeeded on one that was so. */
  async #change(
    belief: Belief,
    method: string,
    action: string,
    expected: number[],
    after: (was: Status) => Status[],
  ): Promise<boolean> {
    const target = action.startsWith('?') ? action : `/${action}`;
    const before = belief.statuses;
    const possible = new Set([...before].flatMap((was) => (was === 'absent' ? [was] : after(was))));
    if (action !== 'start' && !action.includes('pause')) belief.undisturbed = false;
    // A removal that was cut off may have come no further than its kill.
    const halfway = method === 'DELETE' ? [...before].flatMap((was) => afterEnd(belief, was)) : [];
    belief.statuses = new Set([...before, ...halfway, ...possible]);
    const answer = await this.#call(method, `/containers/${idOf(belief)}${target}`);
    belief.history.push(`${method} ${action}: ${answer?.status}`);
    if (answer === undefined) return false;
    if (answer.status < 300) belief.statuses = possible;
    // 304 and 409 say that it is in another state than the operation needs, which its beliefs must already allow.
    else if (answer.status === 404) belief.statuses = this.#gone(belief, before, action);
    else if (expected.includes(answer.status)) belief.statuses = before;
    else this.#surprise(`${action} of ${describe(belief)}`, answer, expected);
    return true;
  }

  #gone(belief: Belief, before: Set<Status>, action: string): Set<Status> {
    if (!before.has('absent')) this.surprises.push(`${action}: is not there any more: ${describe(belief)}`);
    return new Set(['absent']);
  }

  async #rename(belief: Belief): Promise<boolean> {
    const name = `${this.#label}-${(this.#made += 1)}`;
    const answer = await this.#call('POST', `/containers/${idOf(belief)}/rename?name=${name}`);
    if (answer === undefined) belief.names.add(name);
    else if (answer.status === 204) belief.names = new Set([name]);
    else if (answer.status !== 404 && answer.status !== 409) this.#surprise('rename', answer, [204]);
    return answer !== undefined;
  }

  async #exec(belief: Belief): Promise<boolean> {
    const request = { Cmd: ['true'], AttachStdout: true };
    const created = await this.#call('POST', `/containers/${idOf(belief)}/exec`, request);
    if (created?.status !== 201) return created !== undefined;
    const started = await this.#call('POST', `/exec/${created.json.Id}/start`, { Detach: false });
    return started !== undefined;
  }

  /** As the kernel's OOM killer might. */
  async #loseShim(belief: Belief): Promise<boolean> {
    const file = path.join(this.#engine.runRoot, 'containers', belief.id ?? '', 'shim.pid');
    let pid: number;
    try {
      pid = Number(readFileSync(file, 'utf8'));
    } catch {
      return true; // it does not run
    }
    belief.undisturbed = false;
    belief.shimLost = true;
    belief.history.push('shim killed');
    belief.statuses = new Set([...belief.statuses].flatMap((was) => afterLoss(belief, was)));
    try {
      if (pid > 1) process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
    return true;
  }

  #surprise(what: string, answer: NonNullable<Answer>, expected: number[]): void {
    this.surprises.push(`${what}: ${answer.status} ${answer.text.trim()}, expected ${expected.join(', ')}`);
  }
}

export const describe = ({ statuses, names, ...belief }: Belief): string =>
  `expected ${[...statuses].join(' or ')} ${JSON.stringify({ ...belief, names: [...names] })}`;

export const nameOf = ({ names }: Belief): string => [...names].at(-1) ?? '';
export const idOf = (belief: Belief): string => belief.id ?? nameOf(belief);
export const isOnly = (statuses: Set<Status>, status: Status): boolean =>
  statuses.size === 1 && statuses.has(status);

const isActive = (status: Status): boolean => status === 'running' || status === 'paused';

function afterStart({ command, autoRemove, policy }: Belief, was: Status): Status[] {
  if (isActive(was)) return [was];
  if (command === 'sleep') return ['running'];
  if (autoRemove) return ['absent'];
  return policy === '' ? ['exited'] : ['exited', 'running'];
}

/** `always` comes back with the next engine, `on-failure` too after an exit code like that of a kill (as in Docker). */
export const comesBack = ({ policy }: Pick<Belief, 'policy'>): boolean =>
  policy === 'always' || policy === 'on-failure';

function afterEnd({ autoRemove, policy }: Belief, was: Status): Status[] {
  if (was === 'created' || was === 'absent') return [was];
  if (autoRemove) return ['absent'];
  return comesBack({ policy }) ? ['exited', 'running'] : ['exited'];
}

function afterPause(belief: Belief, was: Status): Status[] {
  if (was !== 'running') return [was];
  return belief.shimLost ? ['paused', ...afterLoss(belief, 'paused')] : ['paused'];
}

function afterLoss({ autoRemove, policy }: Belief, was: Status): Status[] {
  if (!isActive(was)) return [was];
  if (autoRemove) return ['absent'];
  return policy === '' ? ['exited'] : ['exited', 'running'];
}

function requestFor({ command, autoRemove, policy, network, published }: Belief): object {
  return {
    Image: 'busybox',
    Cmd: command === 'sleep' ? (published ? SERVE : ['sleep', '1000']) : ['sh', '-c', command],
    Volumes: { '/anonymous': {} },
    ExposedPorts: published ? { '80/tcp': {} } : {},
    HostConfig: {
      NetworkMode: network,
      AutoRemove: autoRemove,
      Binds: ['shared:/shared'],
      PortBindings: published ? { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } : {},
      RestartPolicy: { Name: policy, MaximumRetryCount: policy === 'on-failure' ? 2 : 0 },
    },
  };
}
