import type { Duplex, Transform } from 'node:stream';
import { createDetachFilter } from './detach-keys.ts';

interface BridgeOptions {
  /** The client's bytes go to the process; otherwise they are read and dropped, so that its close is seen. */
  stdin: boolean;
  /** Typed by the client, they end its stream and leave the process alone. */
  detachKeys: Uint8Array | undefined;
  /** Between the process's output and the client. */
  transform?: Transform | undefined;
  /** The client sees the end only when this has settled: what it asks next (an exit code) is known by then. */
  endAfter?: Promise<unknown>;
}

type BridgeEnd = 'finished' | 'detached' | 'hung-up';

/**
 * Connects a client to a process's stdio until the output has ended (`finished`), the client has hung up or typed
 * the detach keys (`detached`). Half-close: the client's end of input is end-of-file for the process, its output
 * goes on.
 */
export function connectStreams(client: Duplex, stdio: Duplex, options: BridgeOptions): Promise<BridgeEnd> {
  const output = options.transform ? stdio.pipe(options.transform) : stdio;
  return new Promise((resolve) => {
    let settled = false;
    const settle = (how: BridgeEnd): void => {
      if (settled) return;
      settled = true;
      client.unpipe();
      output.unpipe(client);
      stdio.destroy();
      // Read on, or the client's own close would never be noticed.
      client.resume();
      resolve(how);
      if (how === 'detached') client.end();
      if (how !== 'finished') return;
      const end = (): void => {
        client.end();
      };
      (options.endAfter ?? Promise.resolve()).then(end, end);
    };
    stdio.on('error', () => settle('finished'));
    stdio.on('close', () => {
      if (!stdio.readableEnded) settle('finished');
    });
    output.on('end', () => settle('finished'));
    client.on('error', () => settle('hung-up'));
    client.on('close', () => settle('hung-up'));
    output.pipe(client, { end: false });
    if (!options.stdin) {
      client.resume();
    } else if (options.detachKeys) {
      client.pipe(createDetachFilter(options.detachKeys, () => settle('detached'))).pipe(stdio);
    } else {
      client.pipe(stdio);
    }
  });
}
