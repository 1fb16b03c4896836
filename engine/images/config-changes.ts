import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';
import { parseDuration } from '../lib/timestamp.ts';
import type { HealthConfig } from '../wire/container.ts';
import type { OciImageConfig } from './image-store.ts';

type ProcessConfig = NonNullable<OciImageConfig['config']>;

/**
 * Applies `--change` instructions (Dockerfile syntax) of `docker import` and `docker commit` to an image's
 * configuration. Throws invalid-argument with Docker's texts.
 */
export function applyChanges(config: ProcessConfig, changes: readonly string[]): ProcessConfig {
  const lines = changes.flatMap((change) => change.replaceAll(/\\\r?\n/g, ' ').split('\n'));
  return lines.filter((line) => line.trim() !== '').reduce(applyChange, config);
}

function applyChange(config: ProcessConfig, line: string): ProcessConfig {
  const [, instruction = '', text = ''] = /^\s*(\S+)\s*([^]*)$/.exec(line) ?? [];
  const apply = INSTRUCTIONS[instruction.toUpperCase()];
  if (!apply) throw invalidArgument(`${instruction.toUpperCase()} is not a valid change command`);
  if (text.trim() === '')
    throw invalidArgument(`${instruction.toUpperCase()} requires at least one argument`);
  return { ...config, ...apply(text.trim(), config) };
}

const INSTRUCTIONS: Partial<Record<string, (text: string, config: ProcessConfig) => ProcessConfig>> = {
  CMD: (text, config) => ({ Cmd: parseCommand(text, config) }),
  ENTRYPOINT: (text, config) => ({ Entrypoint: parseCommand(text, config) }),
  ENV: (text, config) => ({ Env: mergeEnvironment(config.Env ?? [], parsePairs('ENV', text)) }),
  LABEL: (text, config) => ({
    Labels: { ...config.Labels, ...Object.fromEntries(parsePairs('LABEL', text)) },
  }),
  EXPOSE: (text, config) => ({
    ExposedPorts: { ...config.ExposedPorts, ...asSet(splitWords(text).flatMap(parsePort)) },
  }),
  VOLUME: (text, config) => ({
    Volumes: { ...config.Volumes, ...asSet(parseList(text) ?? splitWords(text)) },
  }),
  USER: (text) => ({ User: text }),
  WORKDIR: (text, config) => ({ WorkingDir: path.posix.resolve('/', config.WorkingDir ?? '', text) }),
  STOPSIGNAL: (text) => ({ StopSignal: text }),
  ONBUILD: (text, config) => ({ OnBuild: [...(config.OnBuild ?? []), text] }),
  HEALTHCHECK: (text) => ({ Healthcheck: parseHealthcheck(text) }),
};

/** The exec form `["a","b"]`, else the whole text for a shell. */
function parseCommand(text: string, { Shell }: ProcessConfig): string[] {
  return parseList(text) ?? [...(Shell ?? ['/bin/sh', '-c']), text];
}

/** A JSON list of strings, or undefined when the text is none (the shell form then). */
function parseList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Words with quotes and backslashes resolved as a shell does. */
export function splitWords(text: string): string[] {
  const words: string[] = [];
  const pattern = /\s*((?:\\[^]|'[^']*'|"(?:\\[^]|[^"\\])*"|[^\s\\'"])+)/gy;
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const parts = match[1]?.match(/\\[^]|'[^']*'|"(?:\\[^]|[^"\\])*"|[^\\'"]+/g) ?? [];
    words.push(parts.map(unquote).join(''));
  }
  return words;
}

function unquote(part: string): string {
  if (part.startsWith("'")) return part.slice(1, -1);
  if (part.startsWith('"')) return part.slice(1, -1).replaceAll(/\\(["\\$])/g, '$1');
  return part.startsWith('\\') ? part.slice(1) : part;
}

/** `a=1 b="2 3"`, or the old single form `a 1 2 3`. */
function parsePairs(instruction: string, text: string): [string, string][] {
  const old = /^([^\s=]+)\s+([^]+)$/.exec(text);
  if (old?.[1] !== undefined && old[2] !== undefined) return [[old[1], old[2]]];
  return splitWords(text).map((word) => {
    const separator = word.indexOf('=');
    if (separator < 0) {
      throw invalidArgument(`Syntax error - can't find = in "${word}". Must be of the form: name=value`);
    }
    if (separator === 0) throw invalidArgument(`${instruction} names can not be blank`);
    return [word.slice(0, separator), word.slice(separator + 1)];
  });
}

function mergeEnvironment(current: string[], pairs: [string, string][]): string[] {
  const merged = new Map(current.map((entry) => [entry.split('=', 1)[0] ?? '', entry]));
  for (const [name, value] of pairs) merged.set(name, `${name}=${value}`);
  return [...merged.values()];
}

/** `80`, `53/udp`, `8000-8010/tcp` → `80/tcp` … */
function parsePort(text: string): string[] {
  const [, first = '', last = first, protocol = 'tcp'] =
    /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? [];
  const start = Number(first);
  const end = Number(last);
  if (first === '' || start > end || end > 65_535) throw invalidArgument(`invalid containerPort: ${text}`);
  return Array.from({ length: end - start + 1 }, (_, i) => `${start + i}/${protocol.toLowerCase()}`);
}

function asSet(names: string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}

function parseHealthcheck(text: string): HealthConfig {
  if (/^none$/i.test(text)) return { Test: ['NONE'] };
  const health: HealthConfig = {};
  const flags = /^((?:--\S+\s+)*)CMD\s+([^]+)$/i.exec(text);
  if (!flags?.[2]) throw invalidArgument(`Unknown type "${text.split(/\s/, 1)[0]}" in HEALTHCHECK (try CMD)`);
  for (const flag of flags[1]?.trim().split(/\s+/).filter(Boolean) ?? []) {
    const [name = '', value = ''] = flag.slice(2).split('=', 2);
    if (name === 'retries') health.Retries = Number(value);
    else if (name in HEALTH_TIMES)
      Object.assign(health, { [HEALTH_TIMES[name] ?? '']: duration(name, value) });
    else throw invalidArgument(`unknown flag: ${name}`);
  }
  const list = parseList(flags[2]);
  return { ...health, Test: list ? ['CMD', ...list] : ['CMD-SHELL', flags[2]] };
}

const HEALTH_TIMES: Record<string, string> = {
  interval: 'Interval',
  timeout: 'Timeout',
  'start-period': 'StartPeriod',
  'start-interval': 'StartInterval',
};

function duration(name: string, value: string): number {
  const nanoseconds = parseDuration(value);
  if (nanoseconds === undefined) throw invalidArgument(`invalid value for ${name}: "${value}"`);
  return Number(nanoseconds);
}
