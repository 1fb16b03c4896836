/** Whether `labels` have what a label filter asks for: `key` or `key=value`. */
export function hasLabel(labels: Readonly<Record<string, string>>, wanted: string): boolean {
  const separator = wanted.indexOf('=');
  const key = separator < 0 ? wanted : wanted.slice(0, separator);
  if (!Object.hasOwn(labels, key)) return false;
  return separator < 0 || labels[key] === wanted.slice(separator + 1);
}
