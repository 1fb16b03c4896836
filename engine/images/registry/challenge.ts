/** One challenge of a `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
export interface Challenge {
  /** Lower case, e.g. `bearer`. */
  scheme: string;
  parameters: Partial<Record<string, string>>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const PARAMETER = new RegExp(`\\s*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))\\s*(,|$)`, 'y');
const SCHEME = new RegExp(`[\\s,]*(${TOKEN})(?:\\s+|$|(?=,))`, 'y');

/** Every challenge in order; what cannot be read ends the list. */
export function parseChallenges(header: string | undefined): Challenge[] {
  const text = header ?? '';
  const challenges: Challenge[] = [];
  let position = 0;
  while (position < text.length) {
    SCHEME.lastIndex = position;
    const scheme = SCHEME.exec(text)?.[1];
    if (scheme === undefined) break;
    position = SCHEME.lastIndex;
    const parameters: Challenge['parameters'] = {};
    for (;;) {
      PARAMETER.lastIndex = position;
      const match = PARAMETER.exec(text);
      if (!match) break;
      parameters[(match[1] ?? '').toLowerCase()] = match[3] ?? unquote(match[2] ?? '');
      position = PARAMETER.lastIndex;
    }
    challenges.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return challenges;
}

const unquote = (text: string): string => text.replaceAll(/\\(.)/g, '$1');
