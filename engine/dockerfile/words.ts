import { SyntaxMistake } from './dockerfile-error.ts';

/** What `$name` stands for; undefined: not set. */
export type Variables = (name: string) => string | undefined;

export interface WordOptions {
  /** `\` or, by the escape directive, a backtick. */
  escape: string;
  variables: Variables;
  /** Quotes stay in the result. */
  keepQuotes?: boolean;
  /** Escape characters stay in the result. */
  keepEscapes?: boolean;
  /** Quotes mean nothing (heredoc content). */
  ignoreQuotes?: boolean;
  /** `$name` of an unset variable stays as written, instead of becoming empty. */
  keepUnset?: boolean;
}

/**
 * Replaces variables and resolves quotes and escapes, as the Dockerfile reference ("Environment replacement") describes.
 * Throws SyntaxMistake.
 */
export function expandWord(source: string, options: WordOptions): string {
  return scan(source, options).text;
}

/** The same, split at unquoted white space, also at that of an unquoted variable's value. */
export function expandWords(source: string, options: WordOptions): string[] {
  return scan(source, options).words;
}

function scan(source: string, options: WordOptions): { text: string; words: string[] } {
  try {
    const result = new WordScanner(source, options).run();
    return { text: result.text, words: result.split() };
  } catch (error) {
    if (error instanceof SyntaxMistake)
      throw new SyntaxMistake(`failed to process ${JSON.stringify(source)}: ${error.message}`);
    throw error;
  }
}

/** Text that remembers where words end: characters that were quoted or escaped never separate. */
class Expansion {
  text = '';
  readonly #words: string[] = [];
  #word: string | undefined;

  /** Separates words at white space. */
  addPlain(text: string): void {
    this.text += text;
    for (const character of text) {
      if (!/\s/u.test(character)) this.#word = (this.#word ?? '') + character;
      else this.#endWord();
    }
  }

  addQuoted(text: string): void {
    this.text += text;
    this.#word = (this.#word ?? '') + text;
  }

  split(): string[] {
    this.#endWord();
    return this.#words;
  }

  #endWord(): void {
    if (this.#word !== undefined && this.#word !== '') this.#words.push(this.#word);
    this.#word = undefined;
  }
}

class WordScanner {
  readonly #characters: string[];
  readonly #options: WordOptions;
  #at = 0;

  constructor(source: string, options: WordOptions) {
    this.#characters = Array.from(source);
    this.#options = options;
  }

  run(): Expansion {
    return this.#scanTo(undefined, this.#options.keepEscapes ?? false);
  }

  #peek(): string | undefined {
    return this.#characters[this.#at];
  }

  #next(): string | undefined {
    const character = this.#characters[this.#at];
    this.#at += 1;
    return character;
  }

  /** Up to `stop`, which is consumed, or to the end when there is none. */
  #scanTo(stop: string | undefined, keepEscapes: boolean): Expansion {
    const result = new Expansion();
    for (let character = this.#peek(); character !== undefined; character = this.#peek()) {
      if (character === stop) {
        this.#next();
        return result;
      }
      if (character === '$') result.addPlain(this.#dollar());
      else if (character === "'" && !this.#options.ignoreQuotes) result.addQuoted(this.#singleQuoted());
      else if (character === '"' && !this.#options.ignoreQuotes)
        result.addQuoted(this.#doubleQuoted(keepEscapes));
      else if (character === '<') result.addQuoted(this.#heredocMark());
      else if (character === this.#options.escape) this.#escaped(result, keepEscapes);
      else result.addPlain(this.#next() ?? '');
    }
    if (stop !== undefined)
      throw new SyntaxMistake(`unexpected end of statement while looking for matching ${stop}`);
    return result;
  }

  #escaped(result: Expansion, keepEscapes: boolean): void {
    const escape = this.#next() ?? '';
    if (keepEscapes) result.addQuoted(escape);
    const character = this.#next();
    if (character !== undefined) result.addQuoted(character);
  }

  #singleQuoted(): string {
    const quote = this.#quote();
    let text = '';
    for (let character = this.#next(); character !== "'"; character = this.#next()) {
      if (character === undefined)
        throw new SyntaxMistake('unexpected end of statement while looking for matching single-quote');
      text += character;
    }
    return quote + text + quote;
  }

  /** Only `"`, `$` and the escape character itself can be escaped here. */
  #doubleQuoted(keepEscapes: boolean): string {
    const quote = this.#quote();
    let text = '';
    for (;;) {
      const character = this.#peek();
      if (character === undefined)
        throw new SyntaxMistake('unexpected end of statement while looking for matching double-quote');
      if (character === '$') text += this.#dollar();
      else if (this.#next() === '"') return quote + text + quote;
      else if (character === this.#options.escape) {
        const following = this.#peek();
        const isEscape = following === '"' || following === '$' || following === this.#options.escape;
        if (keepEscapes && following !== undefined) text += character;
        if (isEscape) text += this.#next() ?? '';
        else if (!keepEscapes && following !== undefined) text += character;
      } else text += character;
    }
  }

  #quote(): string {
    const quote = this.#next() ?? '';
    return this.#options.keepQuotes ? quote : '';
  }

  /** `<<` and the blanks behind it are one word with the name of the heredoc. */
  #heredocMark(): string {
    this.#next();
    if (this.#peek() !== '<') return '<';
    this.#next();
    let mark = '<<';
    for (let blank = this.#peek(); blank !== undefined && /[ \t\r]/.test(blank); blank = this.#peek()) {
      mark += blank;
      this.#next();
    }
    return mark;
  }

  #dollar(): string {
    this.#next();
    if (this.#peek() !== '{') {
      const name = this.#name();
      if (name === '') return '$';
      return this.#options.variables(name) ?? (this.#options.keepUnset ? `$${name}` : '');
    }
    this.#next();
    const first = this.#peek();
    if (first === undefined) throw new SyntaxMistake("syntax error: missing '}'");
    if ('{}:'.includes(first)) throw new SyntaxMistake('syntax error: bad substitution');
    return this.#braced(this.#name());
  }

  /** `${name…}` behind the name. */
  #braced(name: string): string {
    const value = this.#options.variables(name);
    const operator = this.#next();
    if (operator === undefined) throw new SyntaxMistake("syntax error: missing '}'");
    if (operator === '}') return value ?? (this.#options.keepUnset ? `\${${name}}` : '');
    if (operator === '/') return this.#replaced(name, value);
    const emptyIsUnset = operator === ':';
    const modifier = emptyIsUnset ? this.#next() : operator;
    const written = emptyIsUnset ? `:${modifier ?? ''}` : operator;
    const isTrim = modifier === '#' || modifier === '%';
    if (modifier === undefined || !'+-?#%'.includes(modifier) || (emptyIsUnset && isTrim))
      throw new SyntaxMistake(`unsupported modifier (${written}) in substitution`);
    const word = this.#braceWord('}', isTrim);
    if (value === undefined && this.#options.keepUnset) return `\${${name}${written}${word}}`;
    if (isTrim) return trim(value ?? '', word, modifier);
    const isSet = value !== undefined && !(emptyIsUnset && value === '');
    if (modifier === '-') return isSet ? value : word;
    if (modifier === '+') return isSet ? word : '';
    if (isSet) return value;
    const reason = value === undefined ? 'is not allowed to be unset' : 'is not allowed to be empty';
    throw new SyntaxMistake(`${name}: ${word === '' ? reason : word}`);
  }

  /** `${name/pattern/replacement}`, and with `//` every match. */
  #replaced(name: string, value: string | undefined): string {
    const everywhere = this.#peek() === '/';
    if (everywhere) this.#next();
    const pattern = this.#braceWord('/', true, "missing '/' in ${}");
    const replacement = this.#braceWord('}', true);
    if (value === undefined && this.#options.keepUnset) return `\${${name}/${pattern}/${replacement}}`;
    const expression = patternExpression(pattern, { greedy: true, anchored: false, everywhere });
    return (value ?? '').replace(expression, () => replacement);
  }

  #braceWord(stop: string, keepEscapes: boolean, missing = `missing '${stop}'`): string {
    try {
      return this.#scanTo(stop, keepEscapes).text;
    } catch (error) {
      if (error instanceof SyntaxMistake && this.#peek() === undefined)
        throw new SyntaxMistake(`syntax error: ${missing}`);
      throw error;
    }
  }

  /** A name, one positional number, or one special parameter; '' when none stands here. */
  #name(): string {
    const rest = this.#characters.slice(this.#at).join('');
    const [name = ''] = /^(?:\d+|[@*#?\-$!0]|[\p{L}\p{N}_]+)/u.exec(rest) ?? [];
    this.#at += Array.from(name).length;
    return name;
  }
}

/** `${value#word}` and its three siblings: a doubled operator takes the longest match. */
function trim(value: string, word: string, operator: string): string {
  const greedy = word.startsWith(operator);
  const pattern = greedy ? word.slice(1) : word;
  if (operator === '#') return value.replace(patternExpression(pattern, { greedy, anchored: true }), '');
  // Regular expressions find the leftmost match: for a suffix each possible start is tried.
  const whole = new RegExp(`^(?:${patternSource(pattern, true)})$`, 'su');
  const starts = Array.from({ length: value.length + 1 }, (_, i) => (greedy ? i : value.length - i));
  const start = starts.find((i) => whole.test(value.slice(i)));
  return start === undefined ? value : value.slice(0, start);
}

interface PatternOptions {
  greedy: boolean;
  anchored: boolean;
  everywhere?: boolean;
}

function patternExpression(pattern: string, { greedy, anchored, everywhere }: PatternOptions): RegExp {
  return new RegExp(`${anchored ? '^' : ''}(?:${patternSource(pattern, greedy)})`, everywhere ? 'gsu' : 'su');
}

/** The source of a regular expression for a shell pattern with `*`, `?` and `\`; throws SyntaxMistake. */
function patternSource(pattern: string, greedy: boolean): string {
  let source = '';
  const characters = Array.from(pattern);
  for (let i = 0; i < characters.length; i += 1) {
    let character = characters[i] ?? '';
    if (character === '*') source += greedy ? '.*' : '.*?';
    else if (character === '?') source += '.';
    else {
      if (character === '\\') {
        i += 1;
        character = characters[i] ?? '';
        if (!['*', '?', '\\', '}', '/'].includes(character))
          throw new SyntaxMistake(
            `invalid pattern (${pattern}) in substitution: invalid escape '\\${character}'`,
          );
      }
      source += character.replace(/[\\^$.*+?()[\]{}|/]/u, String.raw`\$&`);
    }
  }
  return source;
}
