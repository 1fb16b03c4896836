import { failure } from '../failures.ts';
import { api } from '../implementer.ts';

const later = (what: string) => failure('NOT_IMPLEMENTED', `${what} is not implemented yet`);

export const compose = {
  projects: api.compose.projects.handler(() => {
    throw later('compose projects');
  }),
  read: api.compose.read.handler(async ({ context: { projects }, input: { project } }) => ({
    project,
    path: projects.pathOf(project),
    text: await projects.read(project),
  })),
  save: api.compose.save.handler(async ({ context: { projects }, input: { project, text } }) => {
    await projects.save(project, text);
    return { project, path: projects.pathOf(project), text };
  }),
  validate: api.compose.validate.handler(() => {
    throw later('compose validate');
  }),
  schema: api.compose.schema.handler(() => {
    throw later('compose schema');
  }),
  up: api.compose.up.handler(() => {
    throw later('compose up');
  }),
  down: api.compose.down.handler(() => {
    throw later('compose down');
  }),
};
