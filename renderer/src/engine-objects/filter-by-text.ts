/** Rows whose text holds every word of the filter, whatever the case. */
export function filterByText<T>(rows: readonly T[], filter: string, textOf: (row: T) => string): T[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter((row) => {
    const text = textOf(row).toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
