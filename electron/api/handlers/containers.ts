import type Dockerode from 'dockerode';
import { createContainer, engineReply, engineStream } from '../engine-request.ts';
import { containerOf, containerPath } from '../engine-objects.ts';
import { explainUnknownOperation, toApiError } from '../failures.ts';
import { api, streamed } from '../implementer.ts';
import { logEntries } from '../log-entries.ts';
import { batched, jsonLines } from '../streams.ts';
import type { ContainerSummary, StatsPoint, WrittenFiles } from '../types.ts';
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
    const created = await createContainer(context.docker, input.name, toContainerRequest(input));
    const container = containerOf(context.docker, created.id);
    try {
      await container.start();
    } catch (error) {
      // `docker run` keeps what it created; a dialog that failed leaves nothing behind.
      await container.remove({ force: true }).catch(() => undefined);
      throw toApiError(error);
    }
    return created;
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
  written: containers.written.handler(({ context, input }) =>
    engineReply<WrittenFiles>(context.docker, {
      method: 'GET',
      path: `${containerPath(input.id)}/written`,
    }).catch(explainUnknownOperation),
  ),
  moveToVolume: containers.moveToVolume.handler(async ({ context, input: { id, ...body } }) => {
    const path = `${containerPath(id)}/move-to-volume`;
    await engineReply(context.docker, { method: 'POST', path, body }).catch(explainUnknownOperation);
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
  const path = `/containers/${containerOf(docker, id).id}/stats`;
  const body = await engineStream(docker, { method: 'GET', path, query: { stream: true }, signal });
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
  const query = {
    stdout: true,
    stderr: true,
    timestamps: true,
    follow: input.follow,
    ...(input.tail !== undefined && { tail: input.tail }),
    ...(input.since !== undefined && { since: input.since }),
  };
  // dockerode's own method collects the whole body when it does not follow: too much for long logs.
  const body = await engineStream(docker, {
    method: 'GET',
    path: `/containers/${container.id}/logs`,
    query,
    signal,
  });
  yield* logEntries(body, !config.Tty);
}
