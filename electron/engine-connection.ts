import { setTimeout as delay } from 'node:timers/promises';
import { EventPublisher } from '@orpc/server';
import type Dockerode from 'dockerode';
import { messageOf } from '../engine/lib/errors.ts';
import { engineStream } from './api/engine-request.ts';
import { jsonLines } from './api/streams.ts';
import type { ConnectionState, EngineEvent } from './api/types.ts';
import { toEngineEvent, type DockerEvent } from './api/views/engine-event.ts';

const FIRST_RETRY_MS = 250;
const MAX_RETRY_MS = 5000;
const VERSION_TIMEOUT_MS = 5000;
/** Events a slow reader may fall behind before the oldest are dropped. */
const MAX_BUFFERED_EVENTS = 10_000;

/**
 * Watches one engine through one events stream, which is the heartbeat too: while it is open the engine is
 * connected; when it ends, it is asked again with growing pauses. All windows and tabs share it.
 */
export class EngineConnection {
  readonly #docker: Dockerode;
  readonly #socket: string;
  #startFailure: string | undefined;
  readonly #stop = new AbortController();
  readonly #publisher = new EventPublisher<{ state: ConnectionState; event: EngineEvent }>({
    maxBufferedEvents: MAX_BUFFERED_EVENTS,
  });
  #state: ConnectionState;
  #work: Promise<void> | undefined;

  /** `startFailure`: why no engine could be started, told instead of `connect ENOENT …` until one answers. */
  constructor(docker: Dockerode, socket: string, startFailure?: string) {
    this.#docker = docker;
    this.#socket = socket;
    this.#startFailure = startFailure;
    this.#state = { state: 'connecting', socket };
  }

  /** Whether the engine is ours, with what goes beyond Docker's API. */
  get isGantry(): boolean {
    return this.#state.state === 'connected' && this.#state.engine.gantry;
  }

  start(): void {
    this.#work ??= this.#run();
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }

  /** The state now, then every change. */
  async *states(signal: AbortSignal | undefined): AsyncGenerator<ConnectionState, void> {
    const changes = this.#publisher.subscribe('state', { signal });
    yield this.#state;
    yield* changes;
  }

  events(signal: AbortSignal | undefined): AsyncGenerator<EngineEvent> {
    return this.#publisher.subscribe('event', { signal });
  }

  async #run(): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#stop.signal.aborted) {
      try {
        await this.#follow(() => (retryMs = FIRST_RETRY_MS));
        this.#disconnected('the engine closed the connection');
      } catch (error) {
        this.#disconnected(this.#startFailure ?? messageOf(error));
      }
      await delay(retryMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
    }
  }

  async #follow(onConnected: () => void): Promise<void> {
    const { signal } = this.#stop;
    const version = await this.#version();
    const body = await engineStream(this.#docker, { method: 'GET', path: '/events', signal });
    this.#setState({ state: 'connected', engine: toEngine(version), socket: this.#socket });
    this.#startFailure = undefined;
    onConnected();
    for await (const event of jsonLines<DockerEvent>(body)) {
      this.#publisher.publish('event', toEngineEvent(event));
    }
  }

  /** An engine that takes the connection and says nothing counts as none. */
  async #version(): Promise<EngineVersion> {
    const answered = new AbortController();
    const silence = async () => {
      await delay(VERSION_TIMEOUT_MS, undefined, { signal: answered.signal });
      throw new Error('the engine does not answer');
    };
    try {
      return await Promise.race([this.#docker.version(), silence()]);
    } finally {
      answered.abort();
    }
  }

  #disconnected(message: string): void {
    if (this.#stop.signal.aborted) return;
    if (this.#state.state === 'disconnected' && this.#state.message === message) return;
    this.#setState({ state: 'disconnected', socket: this.#socket, message });
  }

  #setState(state: ConnectionState): void {
    this.#state = state;
    this.#publisher.publish('state', state);
  }
}

interface EngineVersion {
  Version?: string;
  ApiVersion?: string;
  Components?: { Name: string }[];
  Platform?: { Name: string };
}

/** `gantry`: whether the engine answers under `/gantry/…`, told by its names. */
function toEngine(version: EngineVersion): Extract<ConnectionState, { state: 'connected' }>['engine'] {
  const names = [version.Platform?.Name ?? '', ...(version.Components ?? []).map((part) => part.Name)];
  const gantry = names.some((name) => /gantry/i.test(name));
  return {
    name: gantry ? 'Gantry' : version.Platform?.Name || 'Docker',
    version: version.Version ?? '',
    apiVersion: version.ApiVersion ?? '',
    gantry,
  };
}
