import path from 'node:path';
import type { OciImageConfig } from '../images/image-store.ts';
import { invalidArgument } from '../lib/errors.ts';
import { parseSignal } from '../lib/signals.ts';
import type { CommandLine, ConfigInstruction, Workdir } from './instructions.ts';

/** The `config` of an image: what containers made of it begin with. */
export type ProcessConfig = NonNullable<OciImageConfig['config']>;

/** How variables and words of an instruction are replaced where it stands. */
export interface Expansion {
  word: (text: string) => string;
  words: (text: string) => string[];
}

export interface AppliedInstruction {
  config: ProcessConfig;
  /** As it stands in the image's history, `#(nop)` left out. */
  comment: string;
}

/** An instruction that changes only the configuration. Throws invalid-argument, SyntaxMistake. */
export function applyInstruction(
  config: ProcessConfig,
  instruction: ConfigInstruction | Workdir,
  expand: Expansion,
): AppliedInstruction {
  switch (instruction.kind) {
    case 'env': {
      const pairs = instruction.pairs.map(
        ({ name, value }) => [expand.word(name), expand.word(value)] as const,
      );
      const Env = pairs.reduce((list, [name, value]) => setVariable(list, name, value), config.Env ?? []);
      return { config: { ...config, Env }, comment: `ENV ${assignments(pairs)}` };
    }
    case 'label': {
      const pairs = instruction.pairs.map(
        ({ name, value }) => [expand.word(name), expand.word(value)] as const,
      );
      const Labels = { ...config.Labels, ...Object.fromEntries(pairs) };
      return { config: { ...config, Labels }, comment: `LABEL ${assignments(pairs)}` };
    }
    case 'cmd': {
      const Cmd = commandWords(instruction.command, config);
      return { config: { ...config, Cmd }, comment: `CMD ${quotedList(Cmd)}` };
    }
    case 'entrypoint': {
      const Entrypoint = commandWords(instruction.command, config);
      return { config: { ...config, Entrypoint }, comment: `ENTRYPOINT ${quotedList(Entrypoint)}` };
    }
    case 'expose': {
      const ports = instruction.ports.flatMap((port) => expand.words(port));
      const ExposedPorts = { ...config.ExposedPorts, ...asSet(ports.flatMap(parsePort)) };
      return { config: { ...config, ExposedPorts }, comment: `EXPOSE ${ports.join(' ')}` };
    }
    case 'volume': {
      const paths = instruction.paths.map(expand.word);
      if (paths.includes('')) throw invalidArgument('VOLUME specified can not be an empty string');
      const Volumes = { ...config.Volumes, ...asSet(paths) };
      return { config: { ...config, Volumes }, comment: `VOLUME [${paths.join(' ')}]` };
    }
    case 'user': {
      const User = expand.word(instruction.text);
      return { config: { ...config, User }, comment: `USER ${User}` };
    }
    case 'workdir': {
      const WorkingDir = path.posix.resolve('/', config.WorkingDir ?? '', expand.word(instruction.text));
      return { config: { ...config, WorkingDir }, comment: `WORKDIR ${WorkingDir}` };
    }
    case 'stopsignal': {
      const StopSignal = expand.word(instruction.text);
      parseSignal(StopSignal);
      return { config: { ...config, StopSignal }, comment: `STOPSIGNAL ${StopSignal}` };
    }
    case 'shell':
      return {
        config: { ...config, Shell: instruction.words },
        comment: `SHELL [${instruction.words.join(' ')}]`,
      };
    case 'healthcheck': {
      const { health } = instruction;
      return {
        config: { ...config, Healthcheck: health },
        comment: `HEALTHCHECK ${JSON.stringify(health.Test)}`,
      };
    }
    case 'onbuild':
      return {
        config: { ...config, OnBuild: [...(config.OnBuild ?? []), instruction.trigger] },
        comment: `ONBUILD ${instruction.trigger}`,
      };
    case 'maintainer':
      break;
  }
  return { config, comment: `MAINTAINER ${instruction.text}` };
}

/** The shell form runs in the image's SHELL. */
export function commandWords(command: CommandLine, { Shell }: ProcessConfig): string[] {
  if (command.form === 'exec') return command.words;
  if (command.text === '') return [];
  return [...(Shell && Shell.length > 0 ? Shell : DEFAULT_SHELL), command.text];
}

export const DEFAULT_SHELL: readonly string[] = ['/bin/sh', '-c'];

/** Replaces a variable where it stands, or adds it. */
export function setVariable(list: readonly string[], name: string, value: string): string[] {
  const index = list.findIndex((entry) => entry.split('=', 1)[0] === name);
  return index < 0 ? [...list, `${name}=${value}`] : list.with(index, `${name}=${value}`);
}

/** `80`, `53/udp`, `8000-8010/tcp`, also behind a host part as in `-p` → `80/tcp` … Throws invalid-argument. */
export function parsePort(text: string): string[] {
  const container = text.slice(text.lastIndexOf(':') + 1);
  const [range = '', protocol = 'tcp'] = container.split('/', 2);
  if (range === '') throw invalidArgument(`no port specified: ${text}<empty>`);
  const name = protocol === '' ? 'tcp' : protocol.toLowerCase();
  if (!['tcp', 'udp', 'sctp'].includes(name)) throw invalidArgument(`invalid proto: ${name}`);
  const [, first = '', last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(range) ?? [];
  const [start, end] = [Number(first), Number(last)];
  if (first === '' || start > end || end > 65_535) throw invalidArgument(`invalid containerPort: ${range}`);
  return Array.from({ length: end - start + 1 }, (_, i) => `${start + i}/${name}`);
}

function assignments(pairs: readonly (readonly [string, string])[]): string {
  return pairs.map(([name, value]) => `${name}=${value}`).join(' ');
}

function quotedList(words: readonly string[]): string {
  return `[${words.map((word) => JSON.stringify(word)).join(' ')}]`;
}

function asSet(names: readonly string[]): Record<string, object> {
  return Object.fromEntries(names.map((name) => [name, {}]));
}
