import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { Diagnostic, Path, Report } from './diagnostics.ts';

/** Aliases one document may expand to: more is a "billion laughs" bomb, not a compose file. */
const MAX_ALIASES = 100;

interface ComposeDocument {
  /** Plain values; undefined where the text is no YAML. */
  value: unknown;
  /** Everything reported so far, in the order of the text. */
  diagnostics(): Diagnostic[];
  report: Report;
}

/** Parses YAML 1.2 with `<<` merges, keeping the position of every node for the reports. */
export function parseComposeDocument(text: string): ComposeDocument {
  const lines = new LineCounter();
  const found: Diagnostic[] = [];
  const add = (severity: Diagnostic['severity'], range: Range | undefined, message: string) => {
    found.push({ severity, message, ...toPosition(lines, range) });
  };
  let document: Document | undefined;
  let value: unknown;
  try {
    const parsed = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false });
    document = parsed;
    for (const { message, pos } of parsed.errors) add('error', pos, message);
    for (const { message, pos } of parsed.warnings) add('warning', pos, message);
    if (parsed.errors.length === 0) value = parsed.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    // Too many aliases (ReferenceError) or nesting deeper than the stack (RangeError).
    add('error', undefined, error instanceof Error ? error.message : String(error));
  }
  const at = (severity: Diagnostic['severity']) => (path: Path, message: string, part?: 'key' | 'value') =>
    add(severity, rangeOf(document?.contents ?? null, path, part ?? 'value'), message);
  return {
    value,
    report: { error: at('error'), warning: at('warning') },
    diagnostics: () => found.toSorted(byPosition),
  };
}

type Range = readonly [number, number];

/** The range of the deepest node on the path that is in the text: merged-in values have no place of their own. */
function rangeOf(root: Node | null, path: Path, part: 'key' | 'value'): Range | undefined {
  let node: unknown = root;
  let range: Range | undefined;
  for (const [index, step] of path.entries()) {
    const last = index === path.length - 1;
    if (isMap(node)) {
      // A list or a mapping (networks, depends_on): the n-th entry of either.
      const pair =
        typeof step === 'number'
          ? node.items[step]
          : node.items.find(({ key }) => isScalar(key) && String(key.value) === step);
      if (!pair) break;
      const key = nodeRange(pair.key);
      range = last && part === 'value' && typeof step === 'string' ? (nodeRange(pair.value) ?? key) : key;
      node = pair.value;
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      range = nodeRange(node) ?? range;
    } else {
      break;
    }
  }
  return range;
}

function nodeRange(node: unknown): Range | undefined {
  if (typeof node !== 'object' || node === null || !('range' in node) || !Array.isArray(node.range)) {
    return undefined;
  }
  const [start, end] = node.range as [number, number];
  // An empty value has no width: its key is the better place.
  return end > start ? [start, end] : undefined;
}

function toPosition(lines: LineCounter, range: Range | undefined) {
  if (!range) return { line: undefined, column: undefined, endLine: undefined, endColumn: undefined };
  const start = lines.linePos(range[0]);
  const end = lines.linePos(Math.max(range[1], range[0] + 1));
  return { line: start.line, column: start.col, endLine: end.line, endColumn: end.col };
}

function byPosition(a: Diagnostic, b: Diagnostic): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
