import type { ContainerDetails, WrittenDirectory } from '../../../../electron/api/types.ts';

export const bytesOf = ({ addedBytes, changedBytes }: WrittenDirectory): number => addedBytes + changedBytes;

/** Where nothing is kept on purpose: its loss is no loss. */
const PASSING = /^\/(tmp|run|var\/(tmp|run|cache|log))(\/|$)/;

export const isPassing = ({ path }: WrittenDirectory): boolean => PASSING.test(path);

/** `/` cannot be a volume, nor what the container's own mounts cover. */
export function isMovable({ path }: WrittenDirectory, mounts: ContainerDetails['mounts']): boolean {
  return path !== '/' && mounts.every(({ destination }) => !`${path}/`.startsWith(`${destination}/`));
}

/** A volume's name for a container's directory: `web` and `/var/lib/mysql` → `web-var-lib-mysql`. */
export function volumeNameFor(container: string, path: string): string {
  const words = `${container}${path}`.replaceAll(/[^a-zA-Z0-9_.-]+/g, '-');
  return words
    .replace(/^[^a-zA-Z0-9]+/, '')
    .replace(/-+$/, '')
    .slice(0, 255);
}
