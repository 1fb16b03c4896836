export type TarEntryType = 'file' | 'directory' | 'symlink' | 'link' | 'character' | 'block' | 'fifo';

/** One member of a tar (POSIX.1-2017 pax, with GNU's long names and base-256 numbers). */
export interface TarEntry {
  /** As written, not cleaned: SECURITY: never a path on the host. */
  name: string;
  type: TarEntryType;
  /** Permission bits with setuid, setgid and sticky. */
  mode: number;
  uid: number;
  gid: number;
  /** Of a file, bytes. */
  size: number;
  /** Seconds since the epoch, with fraction. */
  modifiedAt: number;
  /** Target of a symbolic link, or name of the member that a hard link means. */
  link: string;
  /** Of a device. */
  major: number;
  minor: number;
  /** Extended attributes by name, raw bytes. */
  xattrs: ReadonlyMap<string, Buffer>;
}

export const BLOCK_BYTES = 512;
export const XATTR_PREFIX = 'SCHILY.xattr.';

export const TYPE_FLAGS: readonly [TarEntryType, string][] = [
  ['file', '0'],
  ['link', '1'],
  ['symlink', '2'],
  ['character', '3'],
  ['block', '4'],
  ['directory', '5'],
  ['fifo', '6'],
];

/** Bytes that fill up a file's content to whole blocks. */
export function paddingOf(size: number): number {
  return (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
}
