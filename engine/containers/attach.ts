import type { Duplex } from 'node:stream';
import { conflict } from '../lib/errors.ts';
import type { Shim } from '../runtime/runtime.ts';
import type { Container, PendingAttach } from './container.ts';
import { publish, type ContainersContext } from './context.ts';
import { parseDetachKeys } from './detach-keys.ts';
import { createFrameStripper } from './frames.ts';
import { restarting } from './lifecycle.ts';
import { logSourceOf } from './log-source.ts';
import { connectStreams } from './stream-bridge.ts';

export interface AttachRequest {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Connect to what comes. */
  stream: boolean;
  /** What is in the log already comes first. */
  logs: boolean;
  detachKeys: string | undefined;
  /** WebSocket clients get the bytes without frame headers. */
  raw: boolean;
}

/** What must hold before a connection is taken over; 409 for a paused or restarting container. */
export function checkAttach(container: Container, request: AttachRequest): void {
  const { id, state } = container.record;
  parseDetachKeys(request.detachKeys);
  if (state.status === 'paused')
    throw conflict(`container ${id} is paused, unpause the container before attach`);
  if (state.status === 'restarting') throw restarting(container);
  if (container.removing) throw conflict(`container ${id} is marked for removal`);
}

/**
 * Connects `client` to the container's stdio. A container that does not run yet keeps the client waiting and gets it
 * between create and exec, so that not a byte is missed (`docker run` attaches before it starts).
 */
export async function attach(
  context: ContainersContext,
  container: Container,
  request: AttachRequest,
  client: Duplex,
): Promise<void> {
  publish(context, container, 'attach');
  if (request.logs) await replayLogs(context, container, request, client);
  if (!request.stream) {
    client.end();
    return;
  }
  const connect = async (shim: Shim): Promise<void> => {
    const stdio = await shim.attach({ stdin: request.stdin, stdout: request.stdout, stderr: request.stderr });
    bridge(context, container, request, client, stdio);
  };
  if (container.shim) return connect(container.shim);
  waitForStart(container, connect, client);
}

function waitForStart(container: Container, connect: (shim: Shim) => Promise<void>, client: Duplex): void {
  const onClose = (): void => {
    container.pendingAttaches.delete(pending);
  };
  const pending: PendingAttach = {
    connect(shim) {
      client.off('close', onClose);
      return client.destroyed ? Promise.resolve() : connect(shim);
    },
    abandon() {
      client.off('close', onClose);
      client.end();
    },
  };
  container.pendingAttaches.add(pending);
  client.on('close', onClose);
}

function bridge(
  context: ContainersContext,
  container: Container,
  request: AttachRequest,
  client: Duplex,
  stdio: Duplex,
): void {
  const { config } = container.record;
  const stdin = request.stdin && config.OpenStdin === true;
  const detachKeys = config.Tty ? parseDetachKeys(request.detachKeys) : undefined;
  const strip = request.raw && !config.Tty;
  connectStreams(client, stdio, { stdin, detachKeys, transform: strip ? createFrameStripper() : undefined })
    .then((ended) => {
      if (ended === 'detached') publish(context, container, 'detach');
    })
    .catch((error: unknown) => context.logger.debug('attach ended badly', { error: String(error) }));
}

async function replayLogs(
  context: ContainersContext,
  container: Container,
  request: AttachRequest,
  client: Duplex,
): Promise<void> {
  const everything = {
    stdout: request.stdout,
    stderr: request.stderr,
    follow: false,
    timestamps: false,
    details: false,
    tail: undefined,
    since: undefined,
    until: undefined,
    raw: request.raw,
    signal: undefined,
  };
  await context.logs.read(logSourceOf(container), client, everything, undefined);
}
