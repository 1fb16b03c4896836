/**
 * What Go's decoder says of a text that is not JSON, which is what clients and their tests match on. Called only after
 * JSON.parse has refused the text; undefined when this grammar finds nothing wrong.
 */
export function describeSyntaxError(text: string): string | undefined {
  try {
    const end = skipSpace(text, value(text, skipSpace(text, 0)));
    return end < text.length ? 'unexpected content after JSON' : undefined;
  } catch (error) {
    if (error instanceof SyntaxProblem) return `invalid JSON: ${error.message}`;
    throw error;
  }
}

class SyntaxProblem extends Error {}

/** Each reader takes the offset where its part begins and returns the one behind it. */
function value(text: string, at: number): number {
  const first = text[at];
  if (first === '{') return members(text, at + 1);
  if (first === '[') return elements(text, at + 1);
  if (first === '"') return string(text, at + 1);
  for (const literal of ['true', 'false', 'null']) if (first === literal[0]) return word(text, at, literal);
  if (first !== undefined && /[-\d]/.test(first)) return number(text, at);
  throw problem(text, at, 'looking for beginning of value');
}

function members(text: string, start: number): number {
  let at = skipSpace(text, start);
  if (text[at] === '}') return at + 1;
  for (;;) {
    if (text[at] !== '"') throw problem(text, at, 'looking for beginning of object key string');
    at = skipSpace(text, string(text, at + 1));
    if (text[at] !== ':') throw problem(text, at, 'after object key');
    at = skipSpace(text, value(text, skipSpace(text, at + 1)));
    if (text[at] === '}') return at + 1;
    if (text[at] !== ',') throw problem(text, at, 'after object key:value pair');
    at = skipSpace(text, at + 1);
  }
}

function elements(text: string, start: number): number {
  let at = skipSpace(text, start);
  if (text[at] === ']') return at + 1;
  for (;;) {
    at = skipSpace(text, value(text, at));
    if (text[at] === ']') return at + 1;
    if (text[at] !== ',') throw problem(text, at, 'after array element');
    at = skipSpace(text, at + 1);
  }
}

function string(text: string, start: number): number {
  for (let at = start; ; at += 1) {
    const character = text[at];
    if (character === '"') return at + 1;
    if (character === undefined || character < ' ') throw problem(text, at, 'in string literal');
    if (character !== '\\') continue;
    at += 1;
    if (text[at] === 'u') {
      for (const last = at + 4; at < last;) {
        at += 1;
        if (!/[\da-f]/i.test(text[at] ?? '')) {
          throw problem(text, at, String.raw`in \u hexadecimal character escape`);
        }
      }
    } else if (!/["\\/bfnrt]/.test(text[at] ?? '')) {
      throw problem(text, at, 'in string escape code');
    }
  }
}

function word(text: string, start: number, literal: string): number {
  for (let index = 1; index < literal.length; index += 1) {
    if (text[start + index] === literal[index]) continue;
    throw problem(text, start + index, `in literal ${literal} (expecting '${literal[index] ?? ''}')`);
  }
  return start + literal.length;
}

function number(text: string, start: number): number {
  const digits = (from: number, context: string): number => {
    let at = from;
    while (/\d/.test(text[at] ?? '')) at += 1;
    if (at === from) throw problem(text, at, context);
    return at;
  };
  let at = text[start] === '-' ? start + 1 : start;
  at = text[at] === '0' ? at + 1 : digits(at, 'in numeric literal');
  if (text[at] === '.') at = digits(at + 1, 'after decimal point in numeric literal');
  if (/e/i.test(text[at] ?? '')) {
    at = digits(/[-+]/.test(text[at + 1] ?? '') ? at + 2 : at + 1, 'in exponent of numeric literal');
  }
  return at;
}

function skipSpace(text: string, start: number): number {
  let at = start;
  while (/[ \t\r\n]/.test(text[at] ?? '')) at += 1;
  return at;
}

function problem(text: string, at: number, context: string): SyntaxProblem {
  const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
  if (at >= text.length) return new SyntaxProblem('unexpected EOF');
  const quoted = character === "'" ? String.raw`'\''` : `'${JSON.stringify(character).slice(1, -1)}'`;
  return new SyntaxProblem(`invalid character ${character === '"' ? `'"'` : quoted} ${context}`);
}
