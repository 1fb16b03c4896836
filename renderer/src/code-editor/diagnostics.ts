/** Lines and columns count from 1. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  message: string;
  line?: number;
  column?: number;
  endLine?: number;
  endColumn?: number;
}

/** A diagnostic's place as offsets into the text; the whole first line where no place is given. */
export function toRange(text: string, diagnostic: Diagnostic): { from: number; to: number } {
  const lines = text.split('\n');
  const offsetOf = (line: number, column: number): number => {
    const index = Math.max(0, Math.min(lines.length, line) - 1);
    const before = lines.slice(0, index).reduce((sum, content) => sum + content.length + 1, 0);
    return before + Math.max(0, Math.min(column - 1, lines[index]?.length ?? 0));
  };
  const endOfLine = (line: number) => offsetOf(line, Number.MAX_SAFE_INTEGER);
  if (diagnostic.line === undefined) return { from: 0, to: endOfLine(1) };
  const from = offsetOf(diagnostic.line, diagnostic.column ?? 1);
  const to =
    diagnostic.endLine === undefined
      ? endOfLine(diagnostic.line)
      : offsetOf(diagnostic.endLine, diagnostic.endColumn ?? Number.MAX_SAFE_INTEGER);
  return { from, to: Math.max(from, to) };
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((diagnostic) => diagnostic.severity === 'error');
}
