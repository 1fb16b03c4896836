import type { TransferStep } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { createStore } from '../../api/store.ts';
import { openStream } from '../../api/stream.ts';
import { forgetFreshness } from './freshness.ts';
import { addStep, type LayerTransfer } from './transfer-progress.ts';

/** A pull or push; it goes on while other panes are looked at. */
export interface Transfer {
  key: number;
  kind: 'pull' | 'push';
  name: string;
  platform: string | undefined;
  state: 'running' | 'done' | 'failed' | 'cancelled';
  layers: readonly LayerTransfer[];
  /** The engine's last word about the whole. */
  message: string;
}

export const transfers = createStore<readonly Transfer[]>([]);
const cancels = new Map<number, () => void>();
let nextKey = 1;

export function startPull(name: string, platform: string | undefined): void {
  start('pull', name, platform, (signal) => api.images.pull({ name, platform }, { signal }));
}

export function startPush(name: string): void {
  start('push', name, undefined, (signal) => api.images.push({ name }, { signal }));
}

export function cancelTransfer(key: number): void {
  cancels.get(key)?.();
  finish(key, { state: 'cancelled' });
}

export function dismissTransfer(key: number): void {
  transfers.set(transfers.get().filter((transfer) => transfer.key !== key));
}

export function retryTransfer({ key, kind, name, platform }: Transfer): void {
  dismissTransfer(key);
  if (kind === 'pull') startPull(name, platform);
  else startPush(name);
}

function start(
  kind: Transfer['kind'],
  name: string,
  platform: string | undefined,
  open: (signal: AbortSignal) => Promise<AsyncIterable<TransferStep>>,
): void {
  const key = nextKey++;
  const transfer: Transfer = { key, kind, name, platform, state: 'running', layers: [], message: '' };
  // What ended under the same name is of no interest any more.
  const others = transfers.get().filter((other) => other.name !== name || other.state === 'running');
  transfers.set([transfer, ...others]);
  const cancel = openStream<TransferStep>(open, {
    onValue: (step) =>
      update(key, (current) => ({
        layers: addStep(current.layers, step),
        ...(step.layer === undefined && { message: step.status.replace(/^Status: /, '') }),
      })),
    onEnd: () => finish(key, { state: 'done' }),
    onError: (error) => finish(key, { state: 'failed', message: toFailure(error).message }),
  });
  cancels.set(key, cancel);
}

function finish(key: number, changes: Partial<Transfer>): void {
  cancels.delete(key);
  update(key, () => changes);
  const ended = transfers.get().find((transfer) => transfer.key === key);
  if (ended) forgetFreshness(ended.name);
  void queryClient.invalidateQueries({ queryKey: queries.images.key() });
}

function update(key: number, change: (transfer: Transfer) => Partial<Transfer>): void {
  transfers.set(
    transfers
      .get()
      .map((transfer) => (transfer.key === key ? { ...transfer, ...change(transfer) } : transfer)),
  );
}
