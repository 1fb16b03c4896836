import type { FileEntry } from '../../../electron/api/types.ts';

const bits = ['r', 'w', 'x'];
const kinds: Record<FileEntry['type'], string> = { directory: 'd', symlink: 'l', file: '-', other: '?' };

/** `drwxr-xr-x`, with setuid, setgid and sticky as `ls` shows them. */
export function formatMode(entry: Pick<FileEntry, 'type' | 'mode'>): string {
  const letters = Array.from({ length: 9 }, (_, index) =>
    entry.mode & (1 << (8 - index)) ? (bits[index % 3] ?? '') : '-',
  );
  const special: [number, number, string][] = [
    [0o4000, 2, 's'],
    [0o2000, 5, 's'],
    [0o1000, 8, 't'],
  ];
  for (const [bit, index, letter] of special) {
    if (entry.mode & bit) letters[index] = letters[index] === 'x' ? letter : letter.toUpperCase();
  }
  return kinds[entry.type] + letters.join('');
}

/** An absolute path below `directory`, without empty parts; `..` goes up. */
export function joinPath(directory: string, name: string): string {
  const parts = directory.split('/').filter(Boolean);
  if (name === '..') parts.pop();
  else parts.push(...name.split('/').filter(Boolean));
  return `/${parts.join('/')}`;
}

/** The folders above a path, from the root down: `/a/b` → `/`, `/a`, `/a/b`. */
export function ancestors(path: string): { name: string; path: string }[] {
  const parts = path.split('/').filter(Boolean);
  return [
    { name: '/', path: '/' },
    ...parts.map((name, index) => ({ name, path: `/${parts.slice(0, index + 1).join('/')}` })),
  ];
}

const order: Record<FileEntry['type'], number> = { directory: 0, symlink: 1, file: 1, other: 1 };

/** Folders first whatever is sorted by name. */
export function nameSortKey(entry: FileEntry): string {
  return `${order[entry.type]}${entry.name}`;
}

/** An editor knows only line feeds: the edited text with the line ends that the file had. */
export function withLineEnds(original: string, edited: string): string {
  return /\r\n/.test(original) && !/[^\r]\n/.test(original) ? edited.replaceAll(/\r?\n/g, '\r\n') : edited;
}

/** Whether a file can have the name. */
export function isFileName(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('/') && new Blob([name]).size <= 255;
}
