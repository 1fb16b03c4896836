/** Where a value lies in the document: keys and indexes from the root. */
export type Path = readonly (string | number)[];

export interface Diagnostic {
  severity: 'error' | 'warning';
  message: string;
  /** 1-based; undefined where the whole file is meant. The end column is exclusive. */
  line: number | undefined;
  column: number | undefined;
  endLine: number | undefined;
  endColumn: number | undefined;
}

/** What readers and checks tell their findings to; `at` says whether the key or the value is to be underlined. */
export interface Report {
  error(path: Path, message: string, at?: 'key' | 'value'): void;
  warning(path: Path, message: string, at?: 'key' | 'value'): void;
}

/** `services.web.ports[0]` */
export function pathText(path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? part : `${text}.${part}`;
  }, '');
}

/** The known word nearest to a mistyped one, or undefined where none is near. */
export function nearestWord(word: string, known: Iterable<string>): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(1, Math.min(2, Math.floor(word.length / 3))) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
