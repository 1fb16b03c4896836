export type FileType = 'file' | 'directory' | 'symlink' | 'other';

/** One file of `GET /gantry/v1/{containers,volumes}/{name}/files`. */
export interface FileEntry {
  name: string;
  type: FileType;
  sizeBytes: number;
  mode: number;
  /** ms since the epoch. */
  modifiedAt: number;
  linkTarget: string | undefined;
}

/** What a container wrote below a directory and outside of its volumes. */
export interface WrittenDirectory {
  path: string;
  addedFiles: number;
  addedBytes: number;
  /** Files of the image that are copies in the container now, whole. */
  changedFiles: number;
  changedBytes: number;
  deletedFiles: number;
}

/** `GET /gantry/v1/containers/{id}/written`: what goes with the container. */
export interface WrittenFiles {
  bytes: number;
  files: number;
  /** Largest first, none inside another but in `/`, which stands for what lies directly in it. */
  directories: WrittenDirectory[];
  /** There is more than was counted. */
  truncated: boolean;
}
