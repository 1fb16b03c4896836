import type { BuildContainers } from './builder-deps.ts';

/** Marks a container as that of a RUN step, so that an engine that was killed meanwhile finds it again. */
export const BUILD_ANNOTATION = 'dev.gantry.build';

interface ListedContainer {
  Id: string;
  State: string;
  Status: string;
  HostConfig: { Annotations?: Record<string, string> };
}

/** Removes containers of builds that ended with the engine; a step that had failed stays to be looked at. */
export async function removeStrays(containers: BuildContainers): Promise<void> {
  const filters = { has: () => false, values: () => [] };
  const listed = await containers.list({ all: true, limit: undefined, size: false, filters });
  for (const { Id, State, Status, HostConfig } of listed as ListedContainer[]) {
    const hasFailed = State === 'exited' && !Status.startsWith('Exited (0)');
    if (HostConfig.Annotations?.[BUILD_ANNOTATION] === undefined || hasFailed) continue;
    await containers.remove(Id, { force: true, volumes: true });
  }
}
