import { isAbort } from './failure.ts';

interface StreamHandlers<T> {
  onValue: (value: T) => void;
  onEnd?: () => void;
  onError?: (error: unknown) => void;
}

/** Pumps an oRPC event stream into callbacks; the returned function cancels it on the server too. */
export function openStream<T>(
  open: (signal: AbortSignal) => Promise<AsyncIterable<T>>,
  handlers: StreamHandlers<T>,
): () => void {
  const controller = new AbortController();
  const pump = async () => {
    try {
      const stream = await open(controller.signal);
      for await (const value of stream) {
        if (controller.signal.aborted) break;
        handlers.onValue(value);
      }
      if (!controller.signal.aborted) handlers.onEnd?.();
    } catch (error) {
      if (!controller.signal.aborted && !isAbort(error)) handlers.onError?.(error);
    }
  };
  void pump();
  return () => controller.abort();
}
