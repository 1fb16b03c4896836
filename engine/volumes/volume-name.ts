import { invalidArgument } from '../lib/errors.ts';

/** Docker's mark of a volume that nobody named. */
export const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

/** Throws invalid-argument with Docker's text; the name becomes a directory of the data root. */
export function checkVolumeName(name: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name)) {
    const quoted = JSON.stringify(name);
    throw invalidArgument(
      name.length === 1
        ? 'volume name is too short, names should be at least two alphanumeric characters'
        : `${quoted} includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path`,
    );
  }
  // NAME_MAX.
  if (name.length > 255)
    throw invalidArgument(`volume name ${name.slice(0, 20)}… is longer than 255 characters`);
}
