import { DockerfileError, SyntaxMistake } from './dockerfile-error.ts';
import { expandWords } from './words.ts';

/** A `<<NAME` document that belongs to an instruction. */
export interface Heredoc {
  name: string;
  content: string;
  /** Unquoted name: variables in the content are replaced. */
  expand: boolean;
  /** `<<-`: leading tabs are dropped. */
  chomp: boolean;
}

/** An instruction as written: continuation lines joined, comments between them dropped. */
export interface LogicalLine {
  /** 1-based. */
  startLine: number;
  endLine: number;
  text: string;
  heredocs: Heredoc[];
}

export interface LineWarning {
  line: number;
  message: string;
}

export interface LogicalLines {
  /** Lower-case names: `syntax`, `escape`, `check`. */
  directives: ReadonlyMap<string, string>;
  escape: string;
  lines: LogicalLine[];
  warnings: LineWarning[];
}

const DIRECTIVE = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const KNOWN_DIRECTIVES = ['syntax', 'escape', 'check'];
/** Docker's scanner takes no longer line, bytes. */
const MAX_LINE_BYTES = 64 * 1024 - 1;

/** Splits a Dockerfile into its instructions; throws DockerfileError. */
export function readLogicalLines(source: string): LogicalLines {
  const physical = source.replace(/^\uFEFF/, '').split('\n');
  if (physical.at(-1) === '') physical.pop();
  const directives = readDirectives(physical);
  const escape = directives.get('escape') ?? '\\';
  const result: LogicalLines = { directives, escape, lines: [], warnings: [] };
  for (let next = 0; next < physical.length;) next = readInstruction(physical, next, result);
  if (result.lines.length === 0) throw new DockerfileError(physical.length, 'file with no instructions');
  return result;
}

/** Only the first lines can hold directives: any other line, also an unknown directive, ends them. */
function readDirectives(physical: readonly string[]): Map<string, string> {
  const directives = new Map<string, string>();
  for (const [index, text] of physical.entries()) {
    const [, name = '', value = ''] = DIRECTIVE.exec(text.trim()) ?? [];
    const key = name.toLowerCase();
    if (!KNOWN_DIRECTIVES.includes(key)) break;
    if (directives.has(key))
      throw new DockerfileError(index + 1, `only one ${key} parser directive can be used`);
    if (key === 'escape' && value !== '\\' && value !== '`')
      throw new DockerfileError(index + 1, `invalid escape token '${value}' does not match \` or \\`);
    directives.set(key, value);
  }
  return directives;
}

/** Reads the instruction, comment or blank line at `start`; returns the index behind it. */
function readInstruction(physical: readonly string[], start: number, result: LogicalLines): number {
  const first = withoutReturn(physical[start] ?? '').trimStart();
  checkLength(physical[start] ?? '', start);
  if (first === '' || isComment(first)) return start + 1;
  let [text, continues] = splitContinuation(first, result.escape);
  let next = start + 1;
  let emptyLine: number | undefined;
  while (continues && next < physical.length) {
    const line = withoutReturn(physical[next] ?? '');
    checkLength(line, next);
    next += 1;
    if (isComment(line)) continue;
    if (line.trim() === '') {
      emptyLine = next;
      continue;
    }
    let part: string;
    [part, continues] = splitContinuation(line, result.escape);
    text += part;
  }
  if (text.trim() === '') return next;
  if (emptyLine !== undefined)
    result.warnings.push({ line: emptyLine, message: `Empty continuation line found in: ${text}` });
  const heredocs = heredocsOf(text, start + 1);
  for (const heredoc of heredocs) next = readHeredoc(physical, next, heredoc, start + 1);
  result.lines.push({ startLine: start + 1, endLine: next, text, heredocs });
  return next;
}

function checkLength(line: string, index: number): void {
  if (line.length > MAX_LINE_BYTES)
    throw new DockerfileError(
      index + 1,
      `dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`,
    );
}

function withoutReturn(line: string): string {
  return line.replace(/\r+$/, '');
}

function isComment(line: string): boolean {
  return line.trimStart().startsWith('#');
}

/** An escape character at the end continues, unless it is escaped itself. */
function splitContinuation(line: string, escape: string): [text: string, continues: boolean] {
  const trimmed = line.replace(/[ \t]+$/, '');
  const continues = trimmed.endsWith(escape) && trimmed.at(-2) !== escape;
  return continues ? [trimmed.slice(0, -1), true] : [line, false];
}

/** Only RUN, COPY and ADD in their shell form have heredocs, also behind ONBUILD. */
function heredocsOf(text: string, line: number): Heredoc[] {
  const [, rest] = /^\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s+([^]*)$/i.exec(text) ?? [];
  if (rest === undefined || !text.includes('<<') || isJsonList(rest)) return [];
  const options = {
    escape: '\\',
    variables: () => undefined,
    keepQuotes: true,
    keepEscapes: true,
    keepUnset: true,
  };
  let words: string[];
  try {
    words = expandWords(text, options);
  } catch (error) {
    // An unbalanced quote: the shell of RUN may still know what it means, so the words up to it count for nothing.
    if (error instanceof SyntaxMistake) return [];
    throw error;
  }
  return words.flatMap((word) => {
    const heredoc = parseHeredocWord(word, line);
    return heredoc ? [heredoc] : [];
  });
}

function isJsonList(text: string): boolean {
  try {
    return text.startsWith('[') && Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}

/** `<<EOF`, `<<-EOF`, `3<<"EOF"`: the document without its content, or undefined when the word is none. */
export function parseHeredocWord(word: string, line = 0): Heredoc | undefined {
  const [, chomp, rest = ''] = /^\d*<<(-?)\s*([^<]*)$/.exec(word) ?? [];
  if (rest === '') return undefined;
  const options = { escape: '\\', variables: () => undefined, keepUnset: true };
  let names: string[];
  try {
    names = expandWords(rest, options);
  } catch (error) {
    if (error instanceof SyntaxMistake) throw new DockerfileError(line, error.message);
    throw error;
  }
  const [name] = names;
  if (name === undefined || names.length !== 1) return undefined;
  return { name, content: '', expand: !/['"]/.test(rest), chomp: chomp === '-' };
}

/** Fills in the content; returns the index behind the terminator. */
function readHeredoc(physical: readonly string[], start: number, heredoc: Heredoc, line: number): number {
  for (let index = start; index < physical.length; index += 1) {
    const text = withoutReturn(physical[index] ?? '');
    if ((heredoc.chomp ? text.replace(/^\t+/, '') : text) === heredoc.name) {
      const content = physical.slice(start, index).map((part) => `${part}\n`);
      heredoc.content = heredoc.chomp ? content.join('').replaceAll(/^\t+/gm, '') : content.join('');
      return index + 1;
    }
  }
  throw new DockerfileError(line, 'unterminated heredoc');
}
