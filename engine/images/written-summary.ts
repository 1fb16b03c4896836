import type { WrittenDirectory, WrittenFiles } from '../wire/files.ts';

/** A directory with more of them below is told whole. */
const MAX_CHILDREN = 8;
/** Components of a path beyond which nobody mounts a volume for one of several neighbours. */
const MAX_DEPTH = 4;
const MAX_TOLD = 50;

interface Node {
  sums: Omit<WrittenDirectory, 'path'>;
  own: boolean;
  children: Map<string, Node>;
}

/**
 * What is worth telling of the directories in which a container wrote: `/var/lib/mysql` rather than `/var` or each
 * directory in it. The deepest ones that hold files themselves or branch too widely, with all that is below them.
 */
export function summarizeWritten(directories: readonly WrittenDirectory[]): Omit<WrittenFiles, 'truncated'> {
  const root = newNode();
  for (const { path, ...sums } of directories) {
    let node = root;
    add(node.sums, sums);
    for (const name of path.split('/').filter(Boolean)) {
      const child = node.children.get(name) ?? newNode();
      node.children.set(name, child);
      add(child.sums, sums);
      node = child;
    }
    node.own = true;
  }
  const told = tell(root, '', 0).sort((a, b) => bytesOf(b) - bytesOf(a) || filesOf(b) - filesOf(a));
  return {
    bytes: bytesOf(root.sums),
    files: filesOf(root.sums),
    directories: told.slice(0, MAX_TOLD),
  };
}

function tell(node: Node, path: string, depth: number): WrittenDirectory[] {
  const splits = depth < MAX_DEPTH && node.children.size > 0 && node.children.size <= MAX_CHILDREN;
  const below = (): WrittenDirectory[] =>
    [...node.children].flatMap(([name, child]) => tell(child, `${path}/${name}`, depth + 1));
  // A file in the root itself is no reason to tell of the whole root.
  if (depth === 0) return node.own ? [...ownOf(node), ...below()] : below();
  return node.own || !splits ? [{ path, ...node.sums }] : below();
}

/** What lies in the root directory itself. */
function ownOf(root: Node): WrittenDirectory[] {
  const sums = { ...root.sums };
  for (const child of root.children.values()) add(sums, child.sums, -1);
  return filesOf(sums) > 0 ? [{ path: '/', ...sums }] : [];
}

const newNode = (): Node => ({
  sums: { addedFiles: 0, addedBytes: 0, changedFiles: 0, changedBytes: 0, deletedFiles: 0 },
  own: false,
  children: new Map(),
});

function add(to: Node['sums'], sums: Node['sums'], sign = 1): void {
  for (const key of ['addedFiles', 'addedBytes', 'changedFiles', 'changedBytes', 'deletedFiles'] as const) {
    to[key] += sign * sums[key];
  }
}

const bytesOf = ({ addedBytes, changedBytes }: Node['sums']): number => addedBytes + changedBytes;
const filesOf = ({ addedFiles, changedFiles, deletedFiles }: Node['sums']): number =>
  addedFiles + changedFiles + deletedFiles;
