import type { CgroupDriver } from '../runtime/cgroup.ts';

/** What every command gets: the global flags, and what the machine has. */
export interface OciContext {
  /** Where containers' states are. */
  root: string;
  /** gantry-shim. */
  binary: string;
  /** Asked for the first time by the first command that needs it. */
  cgroups(): CgroupDriver;
  systemdCgroup: boolean;
  print(text: string): void;
  warn(message: string): void;
}

/** A command: its arguments → its exit status. Throws EngineError with a text that callers know. */
export type Command = (context: OciContext, argv: readonly string[]) => number | Promise<number>;
