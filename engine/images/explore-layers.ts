import type { ImageLayerChanges, ImageLayerEntry, ImageLayers } from '../wire/image.ts';
import type { ByteSource } from './decompress.ts';
import type { CatalogImage } from './image-catalog.ts';
import type { LayerStore } from './layer-store.ts';
import { tarEntries, type TarEntryHeader } from './tar-entries.ts';

type LayerReader = Pick<LayerStore, 'readTar' | 'get' | 'acquire' | 'release'>;

/** A file or directory of the layers so far. */
interface Node {
  sizeBytes: number;
  children: Map<string, Node> | undefined;
}

/** Entries told of one layer, the largest; the rest is counted. */
const MAX_ENTRIES = 2000;
const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

/**
 * What each layer of an image adds, changes and deletes, lowest first, and the bytes that are stored although nobody
 * can see them: those of files that an upper layer replaces or hides.
 */
export async function exploreLayers(layers: LayerReader, image: CatalogImage): Promise<ImageLayers> {
  const root: Node = { sizeBytes: 0, children: new Map() };
  const createdBy = commandsOf(image);
  const explored: ImageLayerChanges[] = [];
  for (const diffId of image.layers) layers.acquire(diffId);
  try {
    for (const [index, DiffId] of image.layers.entries()) {
      const changes = await exploreLayer(root, layers.readTar(DiffId));
      const Size = layers.get(DiffId)?.sizeBytes ?? 0;
      explored.push({ DiffId, CreatedBy: createdBy[index] ?? '', Size, ...changes });
    }
  } finally {
    for (const diffId of image.layers) await layers.release(diffId);
  }
  return { Layers: explored, WastedBytes: explored.reduce((sum, { WastedBytes }) => sum + WastedBytes, 0) };
}

/** The history entry of each layer, lowest first. */
function commandsOf({ config }: CatalogImage): string[] {
  return (config.history ?? [])
    .filter(({ empty_layer: empty }) => !empty)
    .map(({ created_by: by }) => by ?? '');
}

type Changes = Omit<ImageLayerChanges, 'DiffId' | 'CreatedBy' | 'Size'>;

async function exploreLayer(root: Node, tar: ByteSource): Promise<Changes> {
  const entries: ImageLayerEntry[] = [];
  const counts = { added: 0, changed: 0, deleted: 0 };
  let wasted = 0;
  // What this layer itself brought: a whiteout beside it hides only what is below.
  const own = new Set<Node>();
  const tell = (
    change: ImageLayerEntry['Change'],
    { path, kind }: TarEntryHeader,
    sizeBytes: number,
  ): void => {
    counts[change] += 1;
    entries.push({ Path: `/${path}`, Kind: kind, Change: change, Size: sizeBytes });
  };
  for await (const entry of tarEntries(tar)) {
    if (entry.path === '') continue;
    const slash = entry.path.lastIndexOf('/');
    const name = entry.path.slice(slash + 1);
    const parent = directoryAt(root, entry.path.slice(0, Math.max(0, slash)), own);
    if (name === OPAQUE) {
      wasted += removeChildren(parent, own);
    } else if (name.startsWith(WHITEOUT)) {
      const hidden = name.slice(WHITEOUT.length);
      const victim = parent.children?.get(hidden);
      if (!victim || own.has(victim)) continue;
      parent.children?.delete(hidden);
      const gone = bytesIn(victim);
      wasted += gone;
      const path = entry.path.slice(0, slash + 1) + hidden;
      tell('deleted', { ...entry, path, kind: victim.children ? 'directory' : 'file' }, gone);
    } else {
      wasted += place(parent, name, entry, own, tell);
    }
  }
  const listed = entries.toSorted((a, b) => b.Size - a.Size).slice(0, MAX_ENTRIES);
  return {
    Added: counts.added,
    Changed: counts.changed,
    Deleted: counts.deleted,
    WastedBytes: wasted,
    Entries: listed,
    Unlisted: entries.length - listed.length,
  };
}

/** Puts an entry into the tree; answers the bytes it hides. A directory over a directory changes nothing to see. */
function place(
  parent: Node,
  name: string,
  entry: TarEntryHeader,
  own: Set<Node>,
  tell: (change: 'added' | 'changed', entry: TarEntryHeader, sizeBytes: number) => void,
): number {
  const before = parent.children?.get(name);
  const isDirectory = entry.kind === 'directory';
  if (isDirectory && before?.children) {
    own.add(before);
    return 0;
  }
  const sizeBytes = entry.kind === 'file' ? entry.sizeBytes : 0;
  const node: Node = { sizeBytes, children: isDirectory ? new Map() : undefined };
  parent.children?.set(name, node);
  own.add(node);
  tell(before && !own.has(before) ? 'changed' : 'added', entry, sizeBytes);
  return before && !own.has(before) ? bytesIn(before) : 0;
}

/** Tars may leave out the directories above a file. */
function directoryAt(root: Node, path: string, own: Set<Node>): Node {
  let node = root;
  for (const part of path === '' ? [] : path.split('/')) {
    let next = node.children?.get(part);
    if (!next?.children) {
      next = { sizeBytes: 0, children: new Map() };
      own.add(next);
      node.children?.set(part, next);
    }
    node = next;
  }
  return node;
}

function removeChildren(directory: Node, own: Set<Node>): number {
  let gone = 0;
  for (const [name, child] of directory.children ?? []) {
    if (own.has(child)) continue;
    gone += bytesIn(child);
    directory.children?.delete(name);
  }
  return gone;
}

function bytesIn(node: Node): number {
  let bytes = 0;
  const left = [node];
  for (let next = left.pop(); next; next = left.pop()) {
    bytes += next.sizeBytes;
    left.push(...(next.children?.values() ?? []));
  }
  return bytes;
}
