import type { BuildMessage, BuildRequest } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { createStore } from '../../api/store.ts';
import { openStream } from '../../api/stream.ts';
import { addMessages, endProgress, noProgress } from './build-steps.ts';
import type { BuildProgress } from './build-steps.ts';

export interface BuildRun {
  key: string;
  request: BuildRequest;
  status: 'running' | 'done' | 'failed' | 'cancelled';
  startedAt: number;
  finishedAt: number | undefined;
  progress: BuildProgress;
  log: BuildMessage[];
}

/**
 * The builds begun in this window, newest first. They live here and not in the pane: leaving it must not cancel the
 * stream, which would end the build.
 */
export const buildRuns = createStore<readonly BuildRun[]>([]);

/** Messages kept of one build, and builds that ended: the engine's history has the rest. */
const MAX_LOG = 20_000;
const MAX_ENDED = 30;

const cancels = new Map<string, () => void>();
let nextKey = 1;

function change(key: string, update: (run: BuildRun) => BuildRun): void {
  buildRuns.set(buildRuns.get().map((run) => (run.key === key ? update(run) : run)));
}

function end(key: string, status: BuildRun['status'], failure: string): void {
  cancels.delete(key);
  const finishedAt = Date.now();
  change(key, (run) => {
    const progress = endProgress(run.progress, finishedAt);
    const error = failure === '' ? progress.error : failure;
    return {
      ...run,
      finishedAt,
      status: status === 'done' && error !== '' ? 'failed' : status,
      progress: { ...progress, error },
    };
  });
  for (const scope of [queries.builds.key(), queries.images.key()])
    void queryClient.invalidateQueries({ queryKey: scope });
}

/** Begins a build; answers the key of its run. */
export function beginBuild(request: BuildRequest): string {
  const key = `run-${nextKey++}`;
  // SECURITY: secrets are kept no longer than the form has them.
  const kept = { ...request, secrets: [] };
  const begun = {
    key,
    request: kept,
    startedAt: Date.now(),
    finishedAt: undefined,
    progress: noProgress,
    log: [],
  };
  const others = buildRuns.get().filter(({ status }, index) => status === 'running' || index < MAX_ENDED);
  buildRuns.set([{ ...begun, status: 'running' }, ...others]);
  const cancel = openStream((signal) => api.builds.run(request, { signal }), {
    onValue: (messages) =>
      change(key, (run) => ({
        ...run,
        progress: addMessages(run.progress, messages),
        log: [...run.log, ...messages].slice(-MAX_LOG),
      })),
    onEnd: () => end(key, 'done', ''),
    onError: (error) => end(key, 'failed', toFailure(error).message),
  });
  cancels.set(key, cancel);
  return key;
}

export function cancelBuild(key: string): void {
  const cancel = cancels.get(key);
  if (!cancel) return;
  cancel();
  end(key, 'cancelled', '');
}
