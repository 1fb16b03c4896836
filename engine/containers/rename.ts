import { conflict, invalidArgument, withPrefix } from '../lib/errors.ts';
import type { Container } from './container.ts';
import { publish, save, type ContainersContext } from './context.ts';
import { normalizeName } from './names.ts';

export async function renameContainer(
  context: ContainersContext,
  container: Container,
  to: string,
): Promise<void> {
  const name = to.trim().replace(/^\//, '');
  if (name === '') throw invalidArgument('Neither old nor new names may be empty');
  await container.mutex.run(async () => {
    const { record } = container;
    const oldName = record.name;
    if (name === oldName) {
      throw invalidArgument('Renaming a container with the same name as its current name');
    }
    if (container.removing) throw conflict(`container ${record.id} is marked for removal`);
    reserve(context, name, record.id);
    try {
      record.name = name;
      await save(container);
    } catch (error) {
      record.name = oldName;
      context.store.releaseName(name, record.id);
      throw error;
    }
    context.store.releaseName(oldName, record.id);
    if (record.attachment) {
      await context.networks.rename(record.id, name);
      record.attachment.containerName = name;
    }
    publish(context, container, 'rename', { oldName: `/${oldName}` });
  });
}

function reserve(context: ContainersContext, name: string, id: string): void {
  try {
    normalizeName(`/${name}`);
    context.store.reserveName(name, id);
  } catch (error) {
    throw withPrefix('Error when allocating new name: ', error);
  }
}
