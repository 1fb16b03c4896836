import type { CgroupDriver, SampleReader } from '../runtime/cgroup.ts';
import type { Sample } from './stats.ts';

const INTERVAL_MS = 1000;

/** Where a running container is; undefined when it does not run. */
export interface RunningContainer {
  /** PID 1 as seen on the host: another one means another run, with new counters. */
  pid: number;
  /** `HostConfig.CgroupParent`. */
  cgroupParent?: string | undefined;
}

interface StatsDeps {
  cgroups: Pick<CgroupDriver, 'openSampler'>;
  lookup: (containerId: string) => RunningContainer | undefined;
}

/** undefined: the container does not run at the moment. */
export type SampleListener = (sample: Sample | undefined) => void;

export interface Stats {
  /** A sample at once and then one a second; the returned function ends it. */
  subscribe(containerId: string, listener: SampleListener): () => void;
  /** One sample now; undefined when the container does not run. */
  oneShot(containerId: string): Sample | undefined;
  /** Ends all subscriptions. */
  close(): void;
}

/**
 * One sampler for everybody: a container is read once a second whatever the number of its listeners, by one timer
 * that runs only while somebody listens.
 */
export function createStats(deps: StatsDeps): Stats {
  return new StatsSampler(deps);
}

interface Subject {
  listeners: Set<SampleListener>;
  reader: { pid: number; reader: SampleReader } | undefined;
}

class StatsSampler implements Stats {
  readonly #deps: StatsDeps;
  readonly #subjects = new Map<string, Subject>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: StatsDeps) {
    this.#deps = deps;
  }

  subscribe(containerId: string, listener: SampleListener): () => void {
    const subject = this.#subjects.get(containerId) ?? { listeners: new Set(), reader: undefined };
    this.#subjects.set(containerId, subject);
    // Its own function, so that one listener subscribed twice is two subscriptions.
    const entry: SampleListener = (sample) => listener(sample);
    subject.listeners.add(entry);
    this.#timer ??= setInterval(() => this.#tick(), INTERVAL_MS);
    entry(this.#read(containerId, subject));
    return () => this.#unsubscribe(containerId, subject, entry);
  }

  oneShot(containerId: string): Sample | undefined {
    const subject = this.#subjects.get(containerId);
    if (subject !== undefined) return this.#read(containerId, subject);
    const transient: Subject = { listeners: new Set(), reader: undefined };
    const sample = this.#read(containerId, transient);
    transient.reader?.reader.close();
    return sample;
  }

  close(): void {
    for (const subject of this.#subjects.values()) subject.reader?.reader.close();
    this.#subjects.clear();
    this.#stopTimer();
  }

  #tick(): void {
    for (const [id, subject] of this.#subjects) {
      const sample = this.#read(id, subject);
      for (const listener of subject.listeners) listener(sample);
    }
  }

  #unsubscribe(id: string, subject: Subject, entry: SampleListener): void {
    if (!subject.listeners.delete(entry) || subject.listeners.size > 0) return;
    subject.reader?.reader.close();
    subject.reader = undefined;
    if (this.#subjects.get(id) === subject) this.#subjects.delete(id);
    if (this.#subjects.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #read(id: string, subject: Subject): Sample | undefined {
    const running = this.#deps.lookup(id);
    if (subject.reader !== undefined && subject.reader.pid !== running?.pid) {
      subject.reader.reader.close();
      subject.reader = undefined;
    }
    if (running === undefined) return undefined;
    subject.reader ??= {
      pid: running.pid,
      reader: this.#deps.cgroups.openSampler(id, running.pid, running.cgroupParent),
    };
    return subject.reader.reader.read();
  }
}
