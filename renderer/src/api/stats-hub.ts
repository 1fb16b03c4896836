import { useCallback, useSyncExternalStore } from 'react';
import type { StatsPoint } from '../../../electron/api/types.ts';
import { api } from './client.ts';
import { openStream } from './stream.ts';
import { visibleStore } from './visibility.ts';

const statsPoints = 120;
const none: readonly StatsPoint[] = [];
/** A row that scrolls out and back within this time keeps its stream. */
const lingerMs = 1500;
const retryMs = 3000;

interface Channel {
  points: readonly StatsPoint[];
  listeners: Set<() => void>;
  stop: (() => void) | undefined;
  closing: number | undefined;
  retry: number | undefined;
}

const channels = new Map<string, Channel>();

/** Appends, keeps the newest `statsPoints`, and starts over after a gap that would draw a false line. */
function appendPoint(points: readonly StatsPoint[], next: StatsPoint): readonly StatsPoint[] {
  const last = points.at(-1);
  if (last && next.time - last.time > 30_000) return [next];
  return [...points.slice(-(statsPoints - 1)), next];
}

function open(id: string, channel: Channel): void {
  if (channel.stop || !visibleStore.get()) return;
  const again = () => {
    channel.stop = undefined;
    window.clearTimeout(channel.retry);
    channel.retry = window.setTimeout(() => {
      if (channel.listeners.size > 0) open(id, channel);
    }, retryMs);
  };
  channel.stop = openStream((signal) => api.containers.stats({ id }, { signal }), {
    onValue: (point) => {
      channel.points = appendPoint(channel.points, point);
      for (const listener of channel.listeners) listener();
    },
    onEnd: again,
    onError: again,
  });
}

function close(channel: Channel): void {
  window.clearTimeout(channel.retry);
  channel.stop?.();
  channel.stop = undefined;
}

visibleStore.subscribe(() => {
  for (const [id, channel] of channels) {
    if (!visibleStore.get()) close(channel);
    else if (channel.listeners.size > 0) open(id, channel);
  }
});

/** Histories nobody watched for a minute go, those of removed containers with them. */
function forgetStale(): void {
  for (const [id, channel] of channels) {
    const age = Date.now() - (channel.points.at(-1)?.time ?? 0);
    if (channel.listeners.size === 0 && age > 60_000) channels.delete(id);
  }
}

function subscribe(id: string, listener: () => void): () => void {
  const channel: Channel = channels.get(id) ?? {
    points: none,
    listeners: new Set(),
    stop: undefined,
    closing: undefined,
    retry: undefined,
  };
  channels.set(id, channel);
  window.clearTimeout(channel.closing);
  channel.listeners.add(listener);
  open(id, channel);
  return () => {
    channel.listeners.delete(listener);
    if (channel.listeners.size > 0) return;
    channel.closing = window.setTimeout(() => {
      close(channel);
      forgetStale();
    }, lingerMs);
  };
}

/** The last two minutes of a container; one stream per container however many draw it, none while not `live`. */
export function useStats(id: string, live: boolean): readonly StatsPoint[] {
  const attach = useCallback(
    (listener: () => void) => (live ? subscribe(id, listener) : () => undefined),
    [id, live],
  );
  return useSyncExternalStore(attach, () => (live ? (channels.get(id)?.points ?? none) : none));
}
