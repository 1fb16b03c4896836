/** The list with one row changed. */
export function changeRow<T extends { key: number }>(rows: T[], key: number, part: Partial<T>): T[] {
  return rows.map((row) => (row.key === key ? { ...row, ...part } : row));
}
