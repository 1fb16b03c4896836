/**
 * Splits a line into words as a POSIX shell quotes them: single quotes are literal, double quotes keep `\"` and
 * `\\`, a backslash outside quotes takes the next character (a line continuation vanishes). Nothing is expanded.
 * Undefined when a quote is not closed.
 */
export function splitWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const character = line.charAt(index);
    const next = line.charAt(index + 1);
    if (quote) {
      if (character === quote) quote = undefined;
      else if (character === '\\' && quote === '"' && /["\\$`]/.test(next)) {
        word += next;
        index += 1;
      } else word += character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === '\\') {
      if (next !== '\n') word = (word ?? '') + next;
      index += 1;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else word = (word ?? '') + character;
  }
  if (quote) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

/** The inverse of splitWords: words with spaces or quotes are single-quoted. */
export function joinWords(words: readonly string[]): string {
  return words
    .map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(' ');
}
