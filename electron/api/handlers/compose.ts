import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { down } from '../../../engine/compose/down.ts';
import { parseEnvironmentFile, type Variables } from '../../../engine/compose/interpolate.ts';
import { loadCompose } from '../../../engine/compose/load.ts';
import { listProjects } from '../../../engine/compose/projects.ts';
import type { ProjectStore } from '../../../engine/compose/project-store.ts';
import { composeSchema } from '../../../engine/compose/schema.ts';
import { up, type Progress } from '../../../engine/compose/up.ts';
import { errnoOf } from '../../../engine/lib/errors.ts';
import type { ApiContext } from '../context.ts';
import { failure } from '../failures.ts';
import { api, streamed } from '../implementer.ts';

export const compose = {
  projects: api.compose.projects.handler(({ context }) =>
    listProjects(context.composeClient, context.projects),
  ),
  read: api.compose.read.handler(async ({ context: { projects }, input: { project } }) => ({
    project,
    path: projects.pathOf(project),
    text: await projects.read(project),
  })),
  save: api.compose.save.handler(async ({ context: { projects }, input: { project, text } }) => {
    await projects.save(project, text);
    return { project, path: projects.pathOf(project), text };
  }),
  validate: api.compose.validate.handler(async ({ context, input: { project, text } }) => {
    const { diagnostics } = await load(context.projects, project, text);
    return diagnostics;
  }),
  schema: api.compose.schema.handler(() => composeSchema),
  up: api.compose.up.handler(({ context, input: { project }, signal }) =>
    streamed(signal, startProject(context, project, signal)),
  ),
  down: api.compose.down.handler(({ context, input: { project, volumes }, signal }) =>
    streamed(signal, down(project, { client: context.composeClient, volumes })),
  ),
};

async function* startProject(
  context: ApiContext,
  project: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Progress, void> {
  const { model, diagnostics } = await load(context.projects, project, await context.projects.read(project));
  if (!model) {
    const first = diagnostics.find(({ severity }) => severity === 'error');
    throw failure('BAD_REQUEST', `line ${first?.line ?? 1}: ${first?.message ?? 'the file is invalid'}`);
  }
  const configFile = context.projects.pathOf(project);
  const place = { workingDirectory: path.dirname(configFile), configFile };
  yield* up(model, { client: context.composeClient, ...place, signal });
}

async function load(projects: ProjectStore, project: string, text: string) {
  const projectDirectory = path.dirname(projects.pathOf(project));
  return loadCompose(text, { project, projectDirectory, variables: await variablesOf(projectDirectory) });
}

/** The app's environment, over the project's `.env`, as docker compose does. */
async function variablesOf(projectDirectory: string): Promise<Variables> {
  try {
    const file = parseEnvironmentFile(await readFile(path.join(projectDirectory, '.env'), 'utf8'));
    return { ...file, ...process.env };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return process.env;
    throw error;
  }
}
