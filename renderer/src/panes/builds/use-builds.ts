import { useQuery } from '@tanstack/react-query';
import { queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { useStore } from '../../api/store.ts';
import { buildRuns } from './build-runs.ts';
import type { BuildRun } from './build-runs.ts';

/** A line of the list: a build begun here, or one that the engine remembers. */
export interface BuildEntry {
  /** Of the run, or the engine's id. */
  key: string;
  tags: readonly string[];
  status: BuildRun['status'] | 'interrupted';
  startedAt: number;
  finishedAt: number | undefined;
}

export function useBuildHistory() {
  return useQuery({
    ...queries.builds.list.queryOptions(),
    retry: (count, error) => !isNotAvailable(error) && count < 2,
  });
}

/** Of a build that somebody else began, no event tells the next line: while it runs and is looked at, it is asked for. */
export function useBuild(id: string) {
  return useQuery({
    ...queries.builds.get.queryOptions({ input: { id } }),
    refetchOnMount: 'always',
    refetchInterval: ({ state }) => (state.data?.status === 'running' ? 1500 : false),
  });
}

/** Newest first; a build that both know of is the run, which knows more. */
export function useBuildEntries(): BuildEntry[] {
  const runs = useStore(buildRuns);
  const history = useBuildHistory().data ?? [];
  const ofRuns = new Set(runs.map(({ progress }) => progress.buildId));
  const entries: BuildEntry[] = [
    ...runs.map((run) => ({ ...run, tags: run.request.tags })),
    ...history.filter(({ id }) => !ofRuns.has(id)).map((build) => ({ ...build, key: build.id })),
  ];
  return entries.sort((a, b) => b.startedAt - a.startedAt);
}

export function isNotAvailable(error: unknown): boolean {
  return error !== null && error !== undefined && toFailure(error).code === 'NOT_AVAILABLE';
}
