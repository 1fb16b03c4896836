import type { ComposeClient } from './client.ts';
import type { ProjectStore } from './project-store.ts';
import { LABEL } from './requests.ts';

interface ProjectSummary {
  project: string;
  /** undefined: started elsewhere, known by its labels only. */
  path: string | undefined;
  services: { service: string; containers: number; running: number }[];
}

/** The projects kept on disk and those that the engine's containers name, by name. */
export async function listProjects(client: ComposeClient, store: ProjectStore): Promise<ProjectSummary[]> {
  const [stored, rows] = await Promise.all([
    store.list(),
    client.listContainers({ all: true, filters: { label: [LABEL.project] } }),
  ]);
  const names = new Set([...stored, ...rows.map((row) => row.Labels[LABEL.project] ?? '')]);
  return [...names].toSorted().map((project) => {
    const own = rows.filter((row) => row.Labels[LABEL.project] === project);
    const services = new Set(own.map((row) => row.Labels[LABEL.service] ?? ''));
    return {
      project,
      path: stored.includes(project) ? store.pathOf(project) : undefined,
      services: [...services].toSorted().map((service) => {
        const containers = own.filter((row) => row.Labels[LABEL.service] === service);
        const running = containers.filter((row) => row.State === 'running').length;
        return { service, containers: containers.length, running };
      }),
    };
  });
}
