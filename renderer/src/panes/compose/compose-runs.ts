import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { createStore } from '../../api/store.ts';
import { openStream } from '../../api/stream.ts';
import { addProgress, isFailure } from './progress.ts';
import type { ProgressRow } from './progress.ts';

export interface ComposeRun {
  verb: 'up' | 'down';
  project: string;
  rows: ProgressRow[];
  running: boolean;
  failed: boolean;
  /** Why the whole run ended early. */
  failure: string | undefined;
}

/**
 * The last Up or Down of each project. They live here and not in the pane: leaving it must not cancel the stream,
 * which would stop the work half-way.
 */
export const composeRuns = createStore<Readonly<Record<string, ComposeRun>>>({});

function change(project: string, update: (run: ComposeRun) => ComposeRun): void {
  const run = composeRuns.get()[project];
  if (run) composeRuns.set({ ...composeRuns.get(), [project]: update(run) });
}

export function closeRun(project: string): void {
  const { [project]: _closed, ...others } = composeRuns.get();
  composeRuns.set(others);
}

/** Starts Up or Down; `onDone` hears whether everything worked. */
export function beginRun(
  verb: 'up' | 'down',
  project: string,
  volumes: boolean,
  onDone: (worked: boolean) => void,
): void {
  const begun: ComposeRun = { verb, project, rows: [], running: true, failed: false, failure: undefined };
  composeRuns.set({ ...composeRuns.get(), [project]: begun });
  const finish = (failure: string | undefined) => {
    change(project, (run) => ({
      ...run,
      running: false,
      failed: run.failed || failure !== undefined,
      failure,
    }));
    for (const key of [queries.compose.key(), queries.containers.key()]) {
      void queryClient.invalidateQueries({ queryKey: key });
    }
    onDone(composeRuns.get()[project]?.failed === false);
  };
  openStream(
    (signal) =>
      verb === 'up'
        ? api.compose.up({ project }, { signal })
        : api.compose.down({ project, volumes }, { signal }),
    {
      onValue: (step) =>
        change(project, (run) => ({
          ...run,
          rows: addProgress(run.rows, step),
          failed: run.failed || isFailure(step),
        })),
      onEnd: () => finish(undefined),
      onError: (error) => finish(toFailure(error).message),
    },
  );
}
