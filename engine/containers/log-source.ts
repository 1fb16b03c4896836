import type { LogSource } from '../logs/logs.ts';
import { argvOf } from './config-merge.ts';
import type { ContainerRecord } from './record.ts';

type Logged = Pick<ContainerRecord, 'id' | 'name' | 'imageId' | 'createdAt' | 'config' | 'hostConfig'>;

/** What log drivers may know of a container. */
export function logSourceOf({ record, directory }: { record: Logged; directory: string }): LogSource {
  const { id, name, imageId, createdAt, config, hostConfig } = record;
  return {
    id,
    name,
    imageId,
    createdAt,
    directory,
    imageName: config.Image ?? '',
    command: argvOf(config),
    labels: config.Labels ?? {},
    env: config.Env ?? [],
    driver: hostConfig.LogConfig?.Type ?? '',
    options: hostConfig.LogConfig?.Config ?? {},
  };
}
