import { parseDuration } from '../lib/timestamp.ts';
import type { HealthConfig } from '../wire/container.ts';
import { DockerfileError, SyntaxMistake } from './dockerfile-error.ts';
import { parseFlags, splitFlags } from './flags.ts';
import type { CommandLine, Instruction, Pair, Place } from './instructions.ts';
import { parseHeredocWord, type Heredoc, type LogicalLine } from './logical-lines.ts';
import { didYouMean } from './suggestion.ts';

/** An instruction taken apart, not yet understood. */
interface RawInstruction {
  /** Upper-case. */
  keyword: string;
  flags: string[];
  /** Trimmed. */
  rest: string;
  escape: string;
  heredocs: Heredoc[];
  place: Place;
}

type Parser = (raw: RawInstruction) => Instruction;

/** Throws DockerfileError with Docker's texts. */
export function parseInstruction(line: LogicalLine, escape: string): Instruction {
  const source = line.text.trim();
  const [, word = '', args = ''] = /^(\S+)\s*([^]*)$/.exec(source) ?? [];
  const keyword = word.toUpperCase();
  const parse = PARSERS[keyword];
  if (!parse) {
    const hint = didYouMean(word, Object.keys(PARSERS));
    throw new DockerfileError(line.startLine, `unknown instruction: ${word}${hint}`);
  }
  const place = { line: line.startLine, endLine: line.endLine, source };
  try {
    const { flags, rest } = splitFlags(args, escape);
    return parse({ keyword, flags, rest, escape, heredocs: line.heredocs, place });
  } catch (error) {
    if (error instanceof SyntaxMistake) throw new DockerfileError(line.startLine, error.message);
    throw error;
  }
}

const PARSERS: Partial<Record<string, Parser>> = {
  ADD: parseAdd,
  ARG: parseArg,
  CMD: (raw) => ({ kind: 'cmd', command: parseCommandLine(noFlags(raw).rest), ...raw.place }),
  COPY: parseCopy,
  ENTRYPOINT: (raw) => ({ kind: 'entrypoint', command: parseCommandLine(noFlags(raw).rest), ...raw.place }),
  ENV: (raw) => ({ kind: 'env', pairs: parsePairs(noFlags(raw)), ...raw.place }),
  EXPOSE: (raw) => ({
    kind: 'expose',
    ports: atLeastOne(raw, words(noFlags(raw).rest)).sort(),
    ...raw.place,
  }),
  FROM: parseFrom,
  HEALTHCHECK: (raw) => ({ kind: 'healthcheck', health: parseHealthcheck(raw), ...raw.place }),
  LABEL: (raw) => ({ kind: 'label', pairs: parsePairs(noFlags(raw)), ...raw.place }),
  MAINTAINER: (raw) => ({ kind: 'maintainer', text: exactlyOne(noFlags(raw)), ...raw.place }),
  ONBUILD: parseOnBuild,
  RUN: parseRun,
  SHELL: parseShell,
  STOPSIGNAL: (raw) => ({ kind: 'stopsignal', text: exactlyOne(noFlags(raw)), ...raw.place }),
  USER: (raw) => ({ kind: 'user', text: exactlyOne(noFlags(raw)), ...raw.place }),
  VOLUME: parseVolume,
  WORKDIR: (raw) => ({ kind: 'workdir', text: exactlyOne(noFlags(raw)), ...raw.place }),
};

function parseFrom(raw: RawInstruction): Instruction {
  const args = words(raw.rest);
  const [image = '', as, name] = args;
  let alias: string | undefined;
  if (args.length === 3 && as?.toLowerCase() === 'as') {
    alias = name?.toLowerCase() ?? '';
    if (!/^[a-z][a-z0-9\-_.]*$/.test(alias))
      throw new SyntaxMistake(
        `invalid name for build stage: "${name}", name can't start with a number or contain symbols`,
      );
  } else if (args.length !== 1) throw new SyntaxMistake('FROM requires either one or three arguments');
  const flags = parseFlags(raw.flags, { platform: 'value' });
  return { kind: 'from', image, alias, platform: flags.value('platform'), ...raw.place };
}

function parseRun(raw: RawInstruction): Instruction {
  const flags = parseFlags(raw.flags, {
    mount: 'values',
    network: 'value',
    security: 'value',
    device: 'values',
  });
  if (flags.values('device').length > 0) throw new SyntaxMistake('the --device option is not supported');
  return {
    kind: 'run',
    command: parseCommandLine(raw.rest),
    heredocs: raw.heredocs,
    mounts: [...flags.values('mount')],
    network: flags.value('network'),
    security: flags.value('security'),
    ...raw.place,
  };
}

const TRANSFER_FLAGS = { chown: 'value', chmod: 'value', link: 'boolean', exclude: 'values' } as const;

function parseCopy(raw: RawInstruction): Instruction {
  const transfer = parseTransfer(raw);
  const flags = parseFlags(raw.flags, { ...TRANSFER_FLAGS, from: 'value', parents: 'boolean' });
  const parents = flags.isTrue('parents') ?? false;
  return {
    kind: 'copy',
    ...transfer,
    ...transferFlags(flags),
    from: flags.value('from'),
    parents,
    ...raw.place,
  };
}

function parseAdd(raw: RawInstruction): Instruction {
  const transfer = parseTransfer(raw);
  const known = {
    ...TRANSFER_FLAGS,
    checksum: 'value',
    'keep-git-dir': 'boolean',
    unpack: 'boolean',
  } as const;
  const flags = parseFlags(raw.flags, known);
  return {
    kind: 'add',
    ...transfer,
    ...transferFlags(flags),
    checksum: flags.value('checksum'),
    keepGitDir: flags.isTrue('keep-git-dir') ?? false,
    unpack: flags.isTrue('unpack'),
    ...raw.place,
  };
}

function transferFlags(flags: ReturnType<typeof parseFlags>) {
  return {
    chown: flags.value('chown'),
    chmod: flags.value('chmod'),
    link: flags.isTrue('link') ?? false,
    excludes: [...flags.values('exclude')],
  };
}

/** The last argument is the destination; the others are paths or heredocs. */
function parseTransfer({ keyword, rest, heredocs }: RawInstruction) {
  const args = parseList(rest) ?? words(rest);
  if (args.length < 2)
    throw new SyntaxMistake(
      `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  const destination = args.at(-1) ?? '';
  if (heredocs.length > 0 && parseHeredocWord(destination))
    throw new SyntaxMistake(`${keyword} cannot accept a heredoc as a destination`);
  const sources = args.slice(0, -1).filter((source) => heredocs.length === 0 || !parseHeredocWord(source));
  return { sources, heredocs, destination };
}

function parseArg(raw: RawInstruction): Instruction {
  const args = atLeastOne(raw, quotedWords(noFlags(raw).rest, raw.escape)).map((word) => {
    const separator = word.indexOf('=');
    if (separator === 0) throw new SyntaxMistake('ARG names can not be blank');
    if (separator < 0) return { name: word, defaultValue: undefined };
    return { name: word.slice(0, separator), defaultValue: word.slice(separator + 1) };
  });
  return { kind: 'arg', args, ...raw.place };
}

function parseVolume(raw: RawInstruction): Instruction {
  const paths = atLeastOne(raw, parseList(noFlags(raw).rest) ?? words(raw.rest)).map((path) => path.trim());
  if (paths.includes('')) throw new SyntaxMistake('VOLUME specified can not be an empty string');
  return { kind: 'volume', paths, ...raw.place };
}

function parseShell(raw: RawInstruction): Instruction {
  const list = parseList(noFlags(raw).rest);
  if (raw.rest === '' || list?.length === 0) throw new SyntaxMistake('SHELL requires at least one argument');
  if (!list) throw new SyntaxMistake(`SHELL requires the arguments to be in JSON form: ${raw.place.source}`);
  return { kind: 'shell', words: list, ...raw.place };
}

function parseOnBuild(raw: RawInstruction): Instruction {
  const { rest, heredocs, escape, place } = noFlags(raw);
  const [word = ''] = words(rest);
  const keyword = word.toUpperCase();
  if (keyword === '') throw new SyntaxMistake('ONBUILD requires at least one argument');
  if (keyword === 'ONBUILD') throw new SyntaxMistake("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (keyword === 'MAINTAINER' || keyword === 'FROM')
    throw new SyntaxMistake(`${keyword} isn't allowed as an ONBUILD trigger`);
  // A mistake is told now and not when somebody builds on this image.
  parseInstruction({ startLine: place.line, endLine: place.endLine, text: rest, heredocs }, escape);
  const documents = heredocs.map(({ name, content }) => `\n${content}${name}`);
  return { kind: 'onbuild', trigger: rest + documents.join(''), ...place };
}

function parseHealthcheck(raw: RawInstruction): HealthConfig {
  const [, type = '', rest = ''] = /^(\S+)\s*([^]*)$/.exec(raw.rest) ?? [];
  if (type === '') throw new SyntaxMistake('HEALTHCHECK requires at least one argument');
  if (type.toUpperCase() === 'NONE') {
    noFlags(raw);
    if (rest !== '') throw new SyntaxMistake('HEALTHCHECK NONE takes no arguments');
    return { Test: ['NONE'] };
  }
  const known = Object.fromEntries(
    [...Object.keys(HEALTH_TIMES), 'retries'].map((name) => [name, 'value' as const]),
  );
  const flags = parseFlags(raw.flags, known);
  if (type.toUpperCase() !== 'CMD')
    throw new SyntaxMistake(`Unknown type "${type}" in HEALTHCHECK (try CMD)`);
  const command = parseCommandLine(rest);
  if (rest === '' || (command.form === 'exec' && command.words.length === 0))
    throw new SyntaxMistake('Missing command after HEALTHCHECK CMD');
  const health: HealthConfig = {
    Test: command.form === 'exec' ? ['CMD', ...command.words] : ['CMD-SHELL', command.text],
  };
  for (const [name, field] of Object.entries(HEALTH_TIMES)) {
    const value = flags.value(name);
    if (value !== undefined && value !== '') Object.assign(health, { [field]: healthDuration(name, value) });
  }
  const retries = flags.value('retries');
  if (retries !== undefined && retries !== '') health.Retries = healthRetries(retries);
  return health;
}

const HEALTH_TIMES: Record<string, keyof HealthConfig> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

/** Nanoseconds; Docker takes none below a millisecond but 0. */
function healthDuration(name: string, value: string): number {
  const nanoseconds = Number(parseDuration(value) ?? Number.NaN);
  if (Number.isNaN(nanoseconds)) throw new SyntaxMistake(`time: invalid duration "${value}"`);
  if (nanoseconds < 0 || (nanoseconds > 0 && nanoseconds < 1e6))
    throw new SyntaxMistake(`Interval "${name}" cannot be less than 1ms`);
  return nanoseconds;
}

function healthRetries(value: string): number {
  if (!/^[+-]?\d+$/.test(value))
    throw new SyntaxMistake(`strconv.ParseInt: parsing "${value}": invalid syntax`);
  if (Number(value) < 0) throw new SyntaxMistake(`--retries cannot be negative (${Number(value)})`);
  return Number(value);
}

/** The exec form is a JSON list of strings; anything else is a text for the shell. */
export function parseCommandLine(text: string): CommandLine {
  const list = parseList(text);
  return list ? { form: 'exec', words: list } : { form: 'shell', text };
}

/** A JSON list of strings; undefined when it is no JSON list at all. */
function parseList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new SyntaxMistake('when using JSON array syntax, arrays must be comprised of strings only');
}

/** `a=1 b="2 3"`, or the old form `a 1 2 3`; quotes stay for the expansion. */
function parsePairs({ keyword, rest, escape }: RawInstruction): Pair[] {
  const list = quotedWords(rest, escape);
  const [first] = list;
  if (first === undefined) throw new SyntaxMistake(`${keyword} requires at least one argument`);
  if (!first.includes('=')) {
    const [, name = '', value] = /^(\S+)\s+([^]*)$/.exec(rest) ?? [];
    if (value === undefined) throw new SyntaxMistake(`${keyword} must have two arguments`);
    return [{ name, value, spaced: true }];
  }
  return list.map((word) => {
    const separator = word.indexOf('=');
    if (separator < 0)
      throw new SyntaxMistake(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      );
    if (separator === 0) throw new SyntaxMistake(`${keyword} names can not be blank`);
    return { name: word.slice(0, separator), value: word.slice(separator + 1), spaced: false };
  });
}

function words(text: string): string[] {
  return text === '' ? [] : text.split(/[\t\v\f\r ]+/);
}

/** Words at white space outside of quotes; quotes and escapes stay in them. */
function quotedWords(text: string, escape: string): string[] {
  const list: string[] = [];
  let word = '';
  let quote: string | undefined;
  const end = (): void => {
    if (word !== '') list.push(word);
    word = '';
  };
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote === undefined && /\s/.test(character)) {
      end();
      continue;
    }
    if (character === quote) quote = undefined;
    else if (quote === undefined && (character === '"' || character === "'")) quote = character;
    else if (character === escape && quote !== "'") {
      // At the very end there is nothing to escape.
      if (at + 1 === text.length) break;
      word += character;
      at += 1;
    }
    word += text.charAt(at);
  }
  end();
  return list;
}

function noFlags(raw: RawInstruction): RawInstruction {
  parseFlags(raw.flags, {});
  return raw;
}

function atLeastOne({ keyword }: RawInstruction, list: string[]): string[] {
  if (list.length === 0) throw new SyntaxMistake(`${keyword} requires at least one argument`);
  return list;
}

function exactlyOne({ keyword, rest }: RawInstruction): string {
  if (rest === '') throw new SyntaxMistake(`${keyword} requires exactly one argument`);
  return rest;
}
