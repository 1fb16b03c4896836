import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';

/** A path as `docker cp` means it. */
export interface ContainerPath {
  /** Absolute, lexically clean. */
  absolute: string;
  /** A trailing `/` or `/.`: the directory behind a link, not the link. */
  follow: boolean;
  /** What the entries of an archive of it are named after: last component, `.` after `/.`, `/` for the root. */
  name: string;
}

/** Docker's reading of a container path: relative ones start at `/`, `..` stops there. Throws invalid-argument. */
export function parseContainerPath(text: string | undefined): ContainerPath {
  if (text === undefined || text === '') throw invalidArgument('bad parameter: path cannot be empty');
  if (text.includes('\0')) throw invalidArgument('bad parameter: path holds a NUL byte');
  const absolute = path.posix.resolve('/', text);
  const base = path.posix.basename(text);
  const follow = absolute !== '/' && (text.endsWith('/') || base === '.');
  return { absolute, follow, name: base === '.' ? '.' : path.posix.basename(absolute) || '/' };
}
