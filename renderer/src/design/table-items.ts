/** One for all comparisons: making a collator for each is a hundred times slower than comparing. */
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

type TableItem<T> = { kind: 'group'; key: string; rows: T[] } | { kind: 'row'; row: T; grouped: boolean };

/**
 * The drawn lines of a grouped table: groups by name with their rows (none when collapsed), then the rows without a
 * group; rows keep the order they come in.
 */
export function toTableItems<T>(
  rows: readonly T[],
  groupOf: ((row: T) => string | undefined) | undefined,
  collapsed: ReadonlySet<string>,
): TableItem<T>[] {
  if (!groupOf) return rows.map((row) => ({ kind: 'row', row, grouped: false }));
  const groups = new Map<string, T[]>();
  const loose: T[] = [];
  for (const row of rows) {
    const key = groupOf(row);
    if (key === undefined) {
      loose.push(row);
      continue;
    }
    const members = groups.get(key);
    if (members) members.push(row);
    else groups.set(key, [row]);
  }
  const items: TableItem<T>[] = [];
  for (const key of [...groups.keys()].sort(collator.compare)) {
    const members = groups.get(key) ?? [];
    items.push({ kind: 'group', key, rows: members });
    if (!collapsed.has(key)) for (const row of members) items.push({ kind: 'row', row, grouped: true });
  }
  for (const row of loose) items.push({ kind: 'row', row, grouped: false });
  return items;
}

/** Natural order: numbers by value, text by the locale with digits compared as numbers; undefined last. */
export function compareValues(a: string | number | undefined, b: string | number | undefined): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator.compare(String(a), String(b));
}
