import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { BuildContainers, BuildDeps } from './builder-deps.ts';

/** Marks a container as that of a RUN step, so that an engine that was killed meanwhile finds it again. */
export const BUILD_ANNOTATION = 'dev.gantry.build';

interface ListedContainer {
  Id: string;
  HostConfig: { Annotations?: Record<string, string> };
}

/** One empty file for each container that a failed step left to be looked at. */
const keptDirectory = ({ dataRoot }: Pick<BuildDeps, 'dataRoot'>): string =>
  path.join(dataRoot, 'build', 'kept');

/** From now on the container is no stray. */
export async function keepContainer(deps: Pick<BuildDeps, 'dataRoot'>, id: string): Promise<void> {
  await mkdir(keptDirectory(deps), { recursive: true, mode: 0o700 });
  await writeFile(path.join(keptDirectory(deps), id), '');
}

/**
 * Removes containers of builds that ended with the engine. How they ended themselves says nothing: what they stood on
 * may be gone, too.
 */
export async function removeStrays(deps: Pick<BuildDeps, 'dataRoot' | 'containers'>): Promise<void> {
  const kept = new Set(await readdir(keptDirectory(deps)).catch((): string[] => []));
  const containers = await listContainers(deps.containers);
  for (const { Id, HostConfig } of containers) {
    if (HostConfig.Annotations?.[BUILD_ANNOTATION] === undefined || kept.has(Id)) continue;
    await deps.containers.remove(Id, { force: true, volumes: true });
  }
  for (const { Id } of containers) kept.delete(Id);
  for (const gone of kept) await rm(path.join(keptDirectory(deps), gone), { force: true });
}

async function listContainers(containers: BuildContainers): Promise<ListedContainer[]> {
  const filters = { has: () => false, values: () => [] };
  const listed = await containers.list({ all: true, limit: undefined, size: false, filters });
  return listed as ListedContainer[];
}
