import type { HealthConfig } from '../wire/container.ts';
import type { Heredoc } from './logical-lines.ts';

/** Where an instruction stands, and how it was written (continuation lines joined): Docker prints that as the step. */
export interface Place {
  /** 1-based. */
  line: number;
  endLine: number;
  source: string;
}

/** `["a","b"]`, or a text for the shell. */
export type CommandLine = { form: 'exec'; words: string[] } | { form: 'shell'; text: string };

export interface Pair {
  name: string;
  value: string;
  /** `ENV name value` instead of `ENV name=value`. */
  spaced: boolean;
}

export interface From extends Place {
  kind: 'from';
  /** Variables not replaced. */
  image: string;
  /** Lower-case. */
  alias: string | undefined;
  platform: string | undefined;
}

/** What COPY and ADD share. */
interface Transfer extends Place {
  sources: string[];
  /** Sources written into the Dockerfile itself. */
  heredocs: Heredoc[];
  destination: string;
  chown: string | undefined;
  chmod: string | undefined;
  link: boolean;
  excludes: string[];
}

export interface Copy extends Transfer {
  kind: 'copy';
  /** Stage, image, or undefined: the context. */
  from: string | undefined;
  parents: boolean;
}

export interface Add extends Transfer {
  kind: 'add';
  /** `sha256:…` that the fetched content must have. */
  checksum: string | undefined;
  keepGitDir: boolean;
  /** undefined: unpack local archives, not fetched ones. */
  unpack: boolean | undefined;
}

export interface Run extends Place {
  kind: 'run';
  command: CommandLine;
  heredocs: Heredoc[];
  /** `--mount` values, variables not replaced. */
  mounts: string[];
  network: string | undefined;
  security: string | undefined;
}

export interface Arg extends Place {
  kind: 'arg';
  args: { name: string; defaultValue: string | undefined }[];
}

/** All others only change the configuration of the image. */
export type ConfigInstruction =
  | (Place & { kind: 'env' | 'label'; pairs: Pair[] })
  | (Place & { kind: 'cmd' | 'entrypoint'; command: CommandLine })
  | (Place & { kind: 'expose'; ports: string[] })
  | (Place & { kind: 'volume'; paths: string[] })
  | (Place & { kind: 'user' | 'stopsignal' | 'maintainer'; text: string })
  | (Place & { kind: 'shell'; words: string[] })
  | (Place & { kind: 'healthcheck'; health: HealthConfig })
  | (Place & { kind: 'onbuild'; trigger: string });

export type Workdir = Place & { kind: 'workdir'; text: string };

/** What can stand in a stage. */
export type StageInstruction = Run | Copy | Add | Arg | Workdir | ConfigInstruction;

export type Instruction = From | StageInstruction;
