let nextKey = 1;

/** For one more row of a form: no other row ever has it. */
export const newKey = () => nextKey++;

/** The list with one row changed. */
export function changeRow<T extends { key: number }>(rows: T[], key: number, part: Partial<T>): T[] {
  return rows.map((row) => (row.key === key ? { ...row, ...part } : row));
}
