import { invalidArgument } from '../../lib/errors.ts';
import { toDockerStats } from '../../stats/docker-stats.ts';
import { streamSamples } from '../../stats/sample-stream.ts';
import type { Sample } from '../../stats/stats.ts';
import type { Stats } from '../../stats/stats-sampler.ts';
import type { Route } from '../route.ts';

interface StatsRouteDeps {
  stats: Stats;
  containers: {
    /** Throws not-found `No such container: X`. */
    identify(idOrName: string): { id: string; name: string };
  };
}

export function statsRoutes({ stats, containers }: StatsRouteDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/containers/{id}/stats',
      async handler({ params, query, reply, signal, apiVersion }) {
        const isStream = query.boolean('stream', true);
        const isOneShot = apiVersion.atLeast('1.41') && query.boolean('one-shot');
        if (isStream && isOneShot) throw invalidArgument('cannot have stream=true and one-shot=true');
        const { id, name } = containers.identify(params['id'] ?? '');
        const identity = { id, name: `/${name}` };
        if (!isStream) {
          const { previous, sample } = isOneShot
            ? { previous: undefined, sample: stats.oneShot(id) }
            : await twoSamples(stats, id, signal);
          reply.json(200, toDockerStats(sample, previous, identity));
          return;
        }
        const lines = reply.jsonLines();
        let previous: Sample | undefined;
        for await (const sample of streamSamples(stats, id, signal)) {
          if (isRemoved(containers, id)) break;
          await lines.write(toDockerStats(sample, previous, identity));
          previous = sample;
        }
        lines.end();
      },
    },
  ];
}

/** A rate needs two readings: without `one-shot` the answer waits for the second one. */
async function twoSamples(
  stats: Stats,
  id: string,
  signal: AbortSignal,
): Promise<{ previous: Sample | undefined; sample: Sample | undefined }> {
  let previous: Sample | undefined;
  for await (const sample of streamSamples(stats, id, signal)) {
    if (sample === undefined || previous !== undefined) return { previous, sample };
    previous = sample;
  }
  return { previous: undefined, sample: undefined };
}

function isRemoved(containers: StatsRouteDeps['containers'], id: string): boolean {
  try {
    containers.identify(id);
    return false;
  } catch {
    return true;
  }
}
