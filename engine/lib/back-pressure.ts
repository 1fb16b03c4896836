import type { Writable } from 'node:stream';

/** Resolves when `out` has room again or is closed; leaves no listener on it, however often a slow reader is waited for. */
export function roomOrEnd(out: Writable): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      out.off('drain', settle).off('close', settle).off('error', settle);
      resolve();
    };
    // An error is followed by the close, and told by whoever writes next.
    out.on('drain', settle).on('close', settle).on('error', settle);
  });
}
