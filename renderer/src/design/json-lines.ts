export interface JsonLine {
  indent: number;
  key: string | undefined;
  /** The value or bracket as text, with its comma. */
  text: string;
  kind: 'string' | 'number' | 'keyword' | 'bracket';
}

/** A JSON value as the lines of its indented form. */
export function toJsonLines(value: unknown): JsonLine[] {
  const lines: JsonLine[] = [];
  write(value, undefined, 0, '', lines);
  return lines;
}

function write(
  value: unknown,
  key: string | undefined,
  indent: number,
  comma: string,
  lines: JsonLine[],
): void {
  if (typeof value !== 'object' || value === null) {
    const kind = typeof value === 'string' ? 'string' : typeof value === 'number' ? 'number' : 'keyword';
    lines.push({ indent, key, text: (JSON.stringify(value) ?? 'null') + comma, kind });
    return;
  }
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const entries: [string | undefined, unknown][] = Array.isArray(value)
    ? value.map((item: unknown) => [undefined, item])
    : Object.entries(value).filter(([, item]) => item !== undefined);
  if (entries.length === 0) {
    lines.push({ indent, key, text: open + close + comma, kind: 'bracket' });
    return;
  }
  lines.push({ indent, key, text: open, kind: 'bracket' });
  entries.forEach(([name, item], index) =>
    write(item, name, indent + 1, index < entries.length - 1 ? ',' : '', lines),
  );
  lines.push({ indent, key: undefined, text: close + comma, kind: 'bracket' });
}
