let nextKey = 1;

/** For one more row of a form: no other row ever has it. */
export const newKey = () => nextKey++;

/** The list with one row changed. */
export function changeRow<T extends { key: number }>(rows: T[], key: number, part: Partial<T>): T[] {
  return rows.map((row) => (row.key === key ? { ...row, ...part } : row));
}

/** Of a list of names with values: options, labels. */
export interface PairRow {
  key: number;
  name: string;
  value: string;
}

export const emptyPair = (): PairRow => ({ key: newKey(), name: '', value: '' });

/** Without the rows that have no name. */
export function pairsOf(rows: readonly PairRow[]): Record<string, string> {
  const named = rows.filter(({ name }) => name.trim() !== '');
  return Object.fromEntries(named.map(({ name, value }) => [name.trim(), value]));
}
