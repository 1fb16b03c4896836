import type { ConnectionState, EngineEvent } from '../../../electron/api/types.ts';
import { queries, api } from './client.ts';
import { queryClient } from './query-client.ts';
import { createStore } from './store.ts';
import { openStream } from './stream.ts';
import { transportStore } from './transport.ts';

/** The engine behind the app, as the main process sees it; undefined until it first said so. */
export const engineStore = createStore<ConnectionState | undefined>(undefined);

const eventListeners = new Set<(event: EngineEvent) => void>();

export function onEngineEvent(listener: (event: EngineEvent) => void): () => void {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

type Scope = 'containers' | 'images' | 'builds' | 'volumes' | 'networks' | 'system' | 'compose';
const allScopes: Scope[] = ['containers', 'images', 'builds', 'volumes', 'networks', 'system', 'compose'];

/** Which lists an engine event makes stale. exec_* and top only look at a container, they change nothing. */
function scopesOf(event: Pick<EngineEvent, 'type' | 'action'>): Scope[] {
  switch (event.type) {
    case 'container':
      if (/^(exec_|top|attach|detach|resize|archive-path|export)/.test(event.action)) return [];
      return ['containers', 'images', 'volumes', 'networks', 'system', 'compose'];
    case 'image':
      return ['images', 'containers', 'system'];
    case 'builder':
      return ['builds', 'system'];
    case 'volume':
      return ['volumes', 'system'];
    case 'network':
      return ['networks', 'containers', 'system'];
    default:
      return ['system'];
  }
}

let pending = new Set<Scope>();
let flushTimer: number | undefined;

/** Bursts (compose up, bulk removal) become one refetch per list. */
function invalidateSoon(scopes: Scope[]): void {
  for (const scope of scopes) pending.add(scope);
  flushTimer ??= window.setTimeout(() => {
    flushTimer = undefined;
    const due = pending;
    pending = new Set();
    for (const scope of due) void queryClient.invalidateQueries({ queryKey: queries[scope].key() });
  }, 120);
}

function watchEvents(): () => void {
  return openStream((signal) => api.events.watch(undefined, { signal }), {
    onValue: (event) => {
      invalidateSoon(scopesOf(event));
      for (const listener of eventListeners) listener(event);
    },
  });
}

function watchEngine(): () => void {
  let stopEvents: (() => void) | undefined;
  const stop = openStream((signal) => api.connection.watch(undefined, { signal }), {
    onValue: (state) => {
      const before = engineStore.get()?.state;
      engineStore.set(state);
      if (state.state === before) return;
      stopEvents?.();
      stopEvents = undefined;
      if (state.state !== 'connected') return;
      stopEvents = watchEvents();
      invalidateSoon(allScopes);
    },
  });
  return () => {
    stop();
    stopEvents?.();
  };
}

/** Follows the transport: every time it opens, the engine's state and events are watched anew. */
export function startConnection(): void {
  let stop: (() => void) | undefined;
  const follow = () => {
    stop?.();
    stop = undefined;
    if (transportStore.get().state === 'open') {
      engineStore.set(undefined);
      stop = watchEngine();
      void queryClient.invalidateQueries({ queryKey: queries.settings.key() });
    }
  };
  transportStore.subscribe(follow);
  follow();
}
