import type Dockerode from 'dockerode';
import { containerOf } from '../engine-objects.ts';
import { toApiError } from '../failures.ts';
import { api, streamed } from '../implementer.ts';
import { logEntries } from '../log-entries.ts';
import { batched, jsonLines } from '../streams.ts';
import type { ContainerSummary, StatsPoint } from '../types.ts';
import { toContainerRequest } from '../views/container-request.ts';
import { toContainerDetails, toContainerSummary } from '../views/container-view.ts';
import { toStatsPoint, type StatsMessage } from '../views/stats-point.ts';

const LOG_BATCH_LINES = 1000;
const LOG_BATCH_MS = 50;

const containers = api.containers;

export const containerHandlers = {
  list: containers.list.handler(async ({ context }) =>
    (await context.docker.listContainers({ all: true })).map(toContainerSummary),
  ),
  inspect: containers.inspect.handler(async ({ context, input }) => {
    const info = await containerOf(context.docker, input.id).inspect();
    return toContainerDetails(info, await rowOf(context.docker, info.Id));
  }),
  run: containers.run.handler(async ({ context, input }) => {
    const request = toContainerRequest(input) as Dockerode.ContainerCreateOptions;
    const created = await context.docker.createContainer({
      ...request,
      ...(input.name && { name: input.name }),
    });
    try {
      await created.start();
    } catch (error) {
      // `docker run` keeps what it created; a dialog that failed leaves nothing behind.
      await created.remove({ force: true }).catch(() => undefined);
      throw toApiError(error);
    }
    return { id: created.id, warnings: [] };
  }),
  start: containers.start.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).start();
  }),
  stop: containers.stop.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).stop();
  }),
  restart: containers.restart.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).restart();
  }),
  pause: containers.pause.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).pause();
  }),
  unpause: containers.unpause.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).unpause();
  }),
  kill: containers.kill.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).kill({ ...(input.signal && { signal: input.signal }) });
  }),
  remove: containers.remove.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).remove({ force: input.force, v: input.volumes });
  }),
  rename: containers.rename.handler(async ({ context, input }) => {
    await containerOf(context.docker, input.id).rename({ name: input.name });
  }),
  prune: containers.prune.handler(async ({ context }) => {
    const result = await context.docker.pruneContainers();
    return { removed: result.ContainersDeleted ?? [], reclaimedBytes: result.SpaceReclaimed ?? 0 };
  }),
  top: containers.top.handler(async ({ context, input }) => {
    const result = (await containerOf(context.docker, input.id).top()) as {
      Titles?: string[];
      Processes?: string[][] | null;
    };
    return { titles: result.Titles ?? [], processes: result.Processes ?? [] };
  }),
  stats: containers.stats.handler(({ context, input, signal }) =>
    streamed(signal, statsPoints(context.docker, input.id, signal)),
  ),
  logs: containers.logs.handler(({ context, input, signal }) =>
    streamed(signal, batched(logChunks(context.docker, input, signal), LOG_BATCH_LINES, LOG_BATCH_MS)),
  ),
};

/** The list's row of a container: only there Docker says its status in words. */
async function rowOf(docker: Dockerode, id: string): Promise<ContainerSummary | undefined> {
  const rows = await docker.listContainers({ all: true, filters: { id: [id] } });
  return rows[0] && toContainerSummary(rows[0]);
}

/** One engine stream per subscription; the first message is only the base of the first rates. */
async function* statsPoints(
  docker: Dockerode,
  id: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<StatsPoint, void> {
  const body = await containerOf(docker, id).stats({ stream: true, ...(signal && { abortSignal: signal }) });
  let previous: StatsMessage | undefined;
  for await (const message of jsonLines<StatsMessage>(body)) {
    const point = previous && toStatsPoint(previous, message);
    previous = message;
    if (point) yield point;
  }
}

async function* logChunks(
  docker: Dockerode,
  input: { id: string; follow: boolean; tail?: number | undefined; since?: number | undefined },
  signal: AbortSignal | undefined,
) {
  const container = containerOf(docker, input.id);
  const { Config: config } = await container.inspect();
  const options = {
    stdout: true,
    stderr: true,
    timestamps: true,
    ...(input.tail !== undefined && { tail: input.tail }),
    ...(input.since !== undefined && { since: input.since }),
    ...(signal && { abortSignal: signal }),
  };
  // Without `follow` dockerode collects the whole body; that is never what a viewer of long logs wants.
  const body = input.follow
    ? await container.logs({ ...options, follow: true })
    : await unfollowedLogs(container, options);
  yield* logEntries(body, !config.Tty);
}

function unfollowedLogs(container: Dockerode.Container, options: object): Promise<NodeJS.ReadableStream> {
  return new Promise((resolve, reject) => {
    const request = {
      path: `/containers/${container.id}/logs?`,
      method: 'GET',
      isStream: true,
      statusCodes: { 200: true, 404: 'no such container', 500: 'server error' },
      options,
    };
    container.modem.dial(request, (error: Error | null, body: NodeJS.ReadableStream) =>
      error ? reject(error) : resolve(body),
    );
  });
}
