import type { LogPlan } from '../runtime/plan.ts';
import type { LogSender } from './sender.ts';

/** What a driver may know of a container. */
export interface LogSource {
  id: string;
  name: string;
  imageId: string;
  /** As the user gave it. */
  imageName: string;
  /** Entrypoint and arguments. */
  command: readonly string[];
  labels: Readonly<Record<string, string>>;
  /** `NAME=value` */
  env: readonly string[];
  /** RFC 3339. */
  createdAt: string;
  /** `--log-driver`, '': the default. */
  driver: string;
  /** `--log-opt` */
  options: LogOptions;
  /** The container's, where its log files are. */
  directory: string;
}

export type LogOptions = Readonly<Record<string, string>>;

/**
 * One way to keep or send what containers write. The shim always writes files, so that the output outlives the engine;
 * a driver says which, and those of remote services read them again and send.
 */
export interface LogDriver {
  /** As in `--log-driver`. */
  readonly name: string;
  /** The driver's own options; `mode`, `cache-…` and the like are everybody's. Throws 400 with Docker's text. */
  check(options: LogOptions): void;
  /** What the shim does with the output. */
  plan(source: LogSource): LogPlan;
  /** Makes what sends entries away; not connected yet. Absent: the files are all. */
  createSender?(source: LogSource): LogSender;
}

/** Options by which labels and environment become attributes; every driver but `none` takes them. */
export const ATTRIBUTE_OPTIONS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
