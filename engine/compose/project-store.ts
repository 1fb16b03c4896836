import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../lib/atomic-file.ts';
import { errnoOf, invalidArgument, notFound } from '../lib/errors.ts';

/** Compose files on disk, `<data-dir>/compose/<project>/compose.yaml`: the file is the truth. */
export interface ProjectStore {
  list(): Promise<string[]>;
  /** Where a project's file is or would be. */
  pathOf(project: string): string;
  read(project: string): Promise<string>;
  save(project: string, text: string): Promise<void>;
  remove(project: string): Promise<void>;
}

/** compose-spec 04-version-and-name: lower case letters, digits, dashes and underscores, a letter or digit first. */
const PROJECT_NAME = /^[a-z0-9][a-z0-9_-]{0,127}$/;

export function createProjectStore(dataDirectory: string): ProjectStore {
  const root = path.join(dataDirectory, 'compose');

  /** A valid name has no separator and no dot, so that it cannot leave `root`. */
  const directoryOf = (project: string) => {
    if (!PROJECT_NAME.test(project))
      throw invalidArgument(`invalid project name: ${JSON.stringify(project)}`);
    return path.join(root, project);
  };
  const pathOf = (project: string) => path.join(directoryOf(project), 'compose.yaml');

  return {
    pathOf,
    async list() {
      try {
        const entries = await readdir(root, { withFileTypes: true });
        const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
        return names.filter((name) => PROJECT_NAME.test(name)).toSorted();
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') return [];
        throw error;
      }
    },
    async read(project) {
      try {
        return await readFile(pathOf(project), 'utf8');
      } catch (error) {
        if (errnoOf(error) === 'ENOENT') throw notFound(`no such compose project: ${project}`);
        throw error;
      }
    },
    async save(project, text) {
      await mkdir(directoryOf(project), { recursive: true, mode: 0o700 });
      await writeFileAtomic(pathOf(project), text);
    },
    async remove(project) {
      await rm(directoryOf(project), { recursive: true, force: true });
    },
  };
}
