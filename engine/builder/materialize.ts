import { createWriteStream } from 'node:fs';
import { chmod, chown, lchown, mkdir, symlink, utimes } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { BuildDeps } from './builder-deps.ts';
import type { Owner } from './copy-layer.ts';
import type { SourceNode, SourceTree } from './source-tree.ts';

/**
 * Writes a file or directory of a tree to `target`, a new name in a private directory, for a bind mount. Devices and
 * pipes are left out. A tree's names are clean and its parents are directories, never links, so nothing is written
 * through a link.
 */
export async function materialize(
  tree: SourceTree,
  node: SourceNode,
  target: string,
  toHostIds: BuildDeps['toHostIds'],
): Promise<void> {
  const write = (member: SourceNode, file: string): Promise<void> =>
    writeMember(tree, member, file, toHostIds(member));
  await write(node, target);
  if (node.type !== 'directory') return;
  for (const below of tree.below(node)) {
    const relative = below.path.slice(node.path === '' ? 0 : node.path.length + 1);
    await write(below, path.join(target, relative));
  }
}

async function writeMember(
  tree: SourceTree,
  node: SourceNode,
  target: string,
  { uid, gid }: Owner,
): Promise<void> {
  if (node.type === 'symlink') {
    await symlink(node.link, target);
    await lchown(target, uid, gid);
    return;
  }
  if (node.type === 'directory') await mkdir(target, { mode: 0o700 });
  else if (node.type === 'file')
    await pipeline(tree.content(node), createWriteStream(target, { flags: 'wx', mode: 0o600 }));
  else return;
  await chown(target, uid, gid);
  // After chown, which clears setuid.
  await chmod(target, node.mode);
  if (node.type === 'file') await utimes(target, node.modifiedAt, node.modifiedAt);
}
