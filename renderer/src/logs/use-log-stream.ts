import { useCallback, useEffect, useRef, useState } from 'react';
import type { LogEntry } from '../../../electron/api/types.ts';
import { api } from '../api/client.ts';
import { useStore } from '../api/store.ts';
import { openStream } from '../api/stream.ts';
import { transportStore } from '../api/transport.ts';
import { visibleStore } from '../api/visibility.ts';
import { appendLines, emptyLogBuffer, entriesAfter } from './log-buffer.ts';

const firstTail = 5000;

type LogStreamState = 'loading' | 'live' | 'ended' | 'failed';

/**
 * The log of one container: its last lines, then what comes, drawn once per frame. Stops while the document is
 * hidden or the pane is gone, and goes on after the last line it has.
 */
export function useLogStream(id: string, running: boolean) {
  const [buffer, setBuffer] = useState(emptyLogBuffer);
  const [state, setState] = useState<LogStreamState>('loading');
  const [error, setError] = useState<unknown>();
  const lastTimestamp = useRef<string>(undefined);
  const visible = useStore(visibleStore);
  const online = useStore(transportStore).state === 'open';

  useEffect(() => {
    if (!visible || !online) return undefined;
    let waiting: LogEntry[] = [];
    let frame: number | undefined;
    const resumedAt = lastTimestamp.current;
    const flush = () => {
      frame = undefined;
      const entries = waiting;
      waiting = [];
      if (entries.length > 0) setBuffer((current) => appendLines(current, entries));
    };
    const input = {
      id,
      follow: running,
      ...(resumedAt === undefined
        ? { tail: firstTail }
        : { since: Math.floor(Date.parse(resumedAt) / 1000) }),
    };
    const stop = openStream((signal) => api.containers.logs(input, { signal }), {
      onValue: (batch) => {
        const fresh = entriesAfter(batch, resumedAt);
        waiting.push(...fresh);
        lastTimestamp.current = fresh.at(-1)?.timestamp ?? lastTimestamp.current;
        frame ??= requestAnimationFrame(flush);
        setState('live');
      },
      onEnd: () => setState('ended'),
      onError: (cause) => {
        setError(cause);
        setState('failed');
      },
    });
    // A container without output sends nothing: the skeleton gives way to the empty state.
    const settled = window.setTimeout(
      () => setState((current) => (current === 'loading' ? 'live' : current)),
      600,
    );
    return () => {
      stop();
      window.clearTimeout(settled);
      if (frame !== undefined) cancelAnimationFrame(frame);
      flush();
    };
  }, [id, running, visible, online]);

  const clear = useCallback(
    () =>
      setBuffer((current) => ({ ...current, lines: [], dropped: current.dropped + current.lines.length })),
    [],
  );
  return { buffer, state, error, clear };
}
