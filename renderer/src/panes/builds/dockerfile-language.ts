import { StreamLanguage } from '@codemirror/language';
import type { StreamParser, StringStream } from '@codemirror/language';
import { INSTRUCTIONS } from './dockerfile-words.ts';

interface State {
  /** The line before ended in the escape character. */
  continued: boolean;
  escape: string;
  instruction: string;
  /** Delimiters of heredocs whose text is still to come. */
  heredocs: string[];
  inHeredoc: boolean;
}

const known = new Set<string>(INSTRUCTIONS);

/** Tokens of a Dockerfile, for highlighting only: the engine's parser decides what is right. */
export const dockerfileParser: StreamParser<State> = {
  name: 'dockerfile',
  startState: () => ({ continued: false, escape: '\\', instruction: '', heredocs: [], inHeredoc: false }),
  copyState: (state) => ({ ...state, heredocs: [...state.heredocs] }),
  token(stream, state) {
    if (stream.sol()) {
      const atStart = tokenAtLineStart(stream, state);
      if (atStart !== undefined) return atStart;
    }
    if (stream.eatSpace()) return null;
    return tokenInLine(stream, state);
  },
  languageData: { commentTokens: { line: '#' } },
};

function tokenAtLineStart(stream: StringStream, state: State): string | undefined {
  if (!state.continued && state.heredocs.length > 0) state.inHeredoc = true;
  if (state.inHeredoc) return heredocLine(stream, state);
  if (stream.match(/^\s*#/)) {
    const escape = /^\s*#\s*escape\s*=\s*([\\`])\s*$/i.exec(stream.string)?.[1];
    if (escape !== undefined && state.instruction === '') state.escape = escape;
    stream.skipToEnd();
    return 'comment';
  }
  const isContinued = state.continued;
  state.continued = false;
  return isContinued ? undefined : instructionToken(stream, state);
}

function heredocLine(stream: StringStream, state: State): string {
  const isEnd = stream.string.replace(/^\t+/, '') === state.heredocs[0];
  stream.skipToEnd();
  if (!isEnd) return 'string';
  state.heredocs.shift();
  state.inHeredoc = state.heredocs.length > 0;
  return 'keyword';
}

function instructionToken(stream: StringStream, state: State): string | undefined {
  stream.eatSpace();
  if (!stream.match(/^[A-Za-z]+/)) return undefined;
  state.instruction = stream.current().trim().toUpperCase();
  return known.has(state.instruction) ? 'keyword' : 'invalid';
}

function tokenInLine(stream: StringStream, state: State): string | null {
  const { instruction } = state;
  const rest = stream.string.slice(stream.pos).trimEnd();
  if (rest === state.escape) {
    stream.skipToEnd();
    state.continued = true;
    return 'punctuation';
  }
  if (stream.match(/^--[a-z][a-z-]*=?/)) return 'propertyName';
  if (/^(?:RUN|COPY|ADD)$/.test(instruction)) {
    const heredoc = /^<<-?(["']?)(\w+)\1/.exec(rest);
    if (heredoc) {
      stream.pos += heredoc[0].length;
      state.heredocs.push(heredoc[2] ?? '');
      return 'keyword';
    }
  }
  if (instruction === 'FROM' && stream.match(/^as(?=\s)/i)) return 'keyword';
  if (/^(?:ONBUILD|HEALTHCHECK)$/.test(instruction) && stream.match(/^[A-Z]+(?=\s|$)/)) {
    if (known.has(stream.current()) || stream.current() === 'NONE') return 'keyword';
    return null;
  }
  if (stream.match(/^"(?:\\.|[^"\\])*"?/) || stream.match(/^'[^']*'?/)) return 'string';
  if (stream.match(/^\$(?:\{[^}]*\}?|\w+)/)) return 'variableName';
  if (!stream.match(/^[^\s"'$\\`<-]+/)) stream.next();
  return null;
}

export const dockerfileLanguage = StreamLanguage.define(dockerfileParser);
