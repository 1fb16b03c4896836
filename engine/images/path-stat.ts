import path from 'node:path';
import type { FileType } from '../wire/files.ts';
import type { ContainerPath } from './container-path.ts';

/** What the native helper says of a file: st_mode and times as the kernel has them. */
export interface NativeStat {
  mode: number;
  size: number;
  seconds: number;
  nanoseconds: number;
  /** Of a symbolic link: its text, and where it ends inside the container (absent: nowhere). */
  link?: string;
  target?: string;
}

/** Docker's `X-Docker-Container-Path-Stat`, before base64. */
export interface PathStat {
  name: string;
  size: number;
  /** Go's io/fs.FileMode. */
  mode: number;
  /** RFC 3339 with nanoseconds. */
  mtime: string;
  linkTarget: string;
}

const S_IFMT = 0o170000;

/** Go's type bits by S_IFMT, https://pkg.go.dev/io/fs#FileMode */
const GO_TYPES: Record<number, number> = {
  0o010000: 1 << 25,
  0o020000: (1 << 26) | (1 << 21),
  0o040000: 2 ** 31,
  0o060000: 1 << 26,
  0o120000: 1 << 27,
  0o140000: 1 << 24,
};

export function toPathStat(stat: NativeStat, { name, absolute }: ContainerPath): PathStat {
  const { mode, link, target } = stat;
  const dangling = link === undefined ? '' : path.posix.resolve(path.posix.dirname(absolute), link);
  return {
    name,
    size: stat.size,
    mode: goFileMode(mode),
    mtime: formatTime(stat.seconds, stat.nanoseconds),
    linkTarget: target ?? dangling,
  };
}

/** st_mode as Go's FileMode. */
export function goFileMode(mode: number): number {
  const special =
    (mode & 0o4000 ? 1 << 23 : 0) | (mode & 0o2000 ? 1 << 22 : 0) | (mode & 0o1000 ? 1 << 20 : 0);
  return (GO_TYPES[mode & S_IFMT] ?? 0) + special + (mode & 0o777);
}

export function fileTypeOf(mode: number): FileType {
  const types: Record<number, FileType> = { 0o100000: 'file', 0o040000: 'directory', 0o120000: 'symlink' };
  return types[mode & S_IFMT] ?? 'other';
}

function formatTime(seconds: number, nanoseconds: number): string {
  const fraction = nanoseconds === 0 ? '' : `.${String(nanoseconds).padStart(9, '0').replace(/0+$/, '')}`;
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}${fraction}Z`;
}
