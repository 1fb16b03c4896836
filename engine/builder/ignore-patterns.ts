import { invalidArgument } from '../lib/errors.ts';

interface Pattern {
  expression: RegExp;
  /** `!pattern`: takes back in what earlier patterns left out. */
  isException: boolean;
}

/** What a `.dockerignore` file (or `--exclude` flags) leaves out. */
export interface IgnorePatterns {
  /** For a clean relative path; what is below an ignored directory is ignored. */
  ignores: (path: string) => boolean;
}

/** Reads `.dockerignore`: a pattern a line, `#` comments at its very beginning only. Throws invalid-argument. */
export function parseIgnoreFile(text: string): IgnorePatterns {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  return compileIgnorePatterns(lines.filter((line) => !line.startsWith('#')));
}

export function compileIgnorePatterns(lines: readonly string[]): IgnorePatterns {
  const patterns = lines.flatMap((line) => compileLine(line) ?? []);
  return {
    ignores(path) {
      let ignored = false;
      for (const { expression, isException } of patterns) {
        // The last one that matches decides; one that would change nothing is not tried.
        if (isException === ignored && matchesSelfOrParent(expression, path)) ignored = !isException;
      }
      return ignored;
    },
  };
}

function compileLine(line: string): Pattern | undefined {
  const trimmed = line.trim();
  if (trimmed === '') return undefined;
  const isException = trimmed.startsWith('!');
  const body = isException ? trimmed.slice(1).trim() : trimmed;
  if (body === '') throw invalidArgument(`illegal exclusion pattern: "${trimmed}"`);
  return { expression: compilePattern(cleanPattern(body)), isException };
}

/** `/a/./b/../c/` → `a/c`, as Go's filepath.Clean; `/` alone is the root. */
function cleanPattern(pattern: string): string {
  const parts: string[] = [];
  for (const part of pattern.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

function matchesSelfOrParent(expression: RegExp, path: string): boolean {
  for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1))
    if (expression.test(path.slice(0, end))) return true;
  return false;
}

/**
 * Go's filepath.Match and `**` for any number of directories, as an anchored expression. Throws invalid-argument.
 */
export function compilePattern(pattern: string): RegExp {
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const character = pattern.charAt(at);
    if (character === '*') {
      if (pattern.charAt(at + 1) !== '*') {
        source += '[^/]*';
        continue;
      }
      at += 1;
      if (pattern.charAt(at + 1) === '/') {
        at += 1;
        source += '(?:.*/)?';
      } else source += '.*';
    } else if (character === '?') source += '[^/]';
    else if (character === '[') {
      const end = classEnd(pattern, at);
      source += classSource(pattern.slice(at + 1, end));
      at = end;
    } else if (character === '\\') {
      at += 1;
      if (at === pattern.length) throw syntaxError(pattern);
      source += escaped(pattern.charAt(at));
    } else source += escaped(character);
  }
  try {
    return new RegExp(`^${source}$`, 'su');
  } catch {
    throw syntaxError(pattern);
  }
}

function classEnd(pattern: string, start: number): number {
  for (let at = start + 1; at < pattern.length; at += 1) {
    if (pattern.charAt(at) === '\\') at += 1;
    else if (pattern.charAt(at) === ']' && at > start + 1) return at;
  }
  throw syntaxError(pattern);
}

function classSource(body: string): string {
  const isNegated = body.startsWith('^');
  const inner = (isNegated ? body.slice(1) : body).replaceAll(
    /\\(.)|([[\]^&~|{}()/])/gsu,
    (_, quoted: string, special: string) =>
      quoted === undefined ? `\\${special}` : quoted === '-' ? '\\-' : escaped(quoted),
  );
  return isNegated ? `[^/${inner}]` : `[${inner}]`;
}

function escaped(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

function syntaxError(pattern: string): Error {
  return invalidArgument(`syntax error in pattern: ${pattern}`);
}
