import { spawn, spawnSync, type StdioOptions } from 'node:child_process';
import { EngineError } from '../lib/errors.ts';
import type { StageFailure } from '../runtime/runtime.ts';

interface NativeCall {
  /** gantry-shim. */
  binary: string;
  /** `oci-create DIRECTORY` or `oci-exec DIRECTORY FILE PID`: native/oci.c. */
  words: string[];
  preservedDescriptors: number;
  /** Socket that takes a terminal's master, '' for none. */
  console: string;
}

/** Returns the new process' pid; it is adopted by whoever adopts our children. Throws with the stage that failed. */
export function callNative(call: NativeCall): number {
  const { status, signal, error, output } = spawnSync(call.binary, argumentsOf(call, 'leave'), {
    stdio: stdioOf(call),
    env: {},
  });
  if (error) throw error;
  return readAnswer(output[3 + call.preservedDescriptors]?.toString() ?? '', status, signal);
}

/** The same with the process' stdio relayed until it ends. `started` is called with its pid. */
export async function callNativeAndWait(
  call: NativeCall,
  started: (pid: number) => Promise<void>,
): Promise<number> {
  const child = spawn(call.binary, argumentsOf(call, 'wait'), { stdio: stdioOf(call), env: {} });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? (signal === null ? 1 : 137)));
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const)
    process.on(signal, () => child.kill(signal));
  let answer = '';
  for await (const chunk of child.stdio[3 + call.preservedDescriptors] as NodeJS.ReadableStream)
    answer += String(chunk);
  if (!/^\d+$/.test(answer)) return readAnswer(answer, await ended, null);
  await started(Number(answer));
  return ended;
}

const argumentsOf = (call: NativeCall, mode: 'leave' | 'wait'): string[] => [
  ...call.words,
  String(call.preservedDescriptors),
  call.console,
  mode,
];

function stdioOf({ preservedDescriptors }: NativeCall): StdioOptions {
  const preserved = Array.from({ length: preservedDescriptors }, (_, index) => 3 + index);
  return ['inherit', 'inherit', 'inherit', ...preserved, 'pipe'];
}

function readAnswer(answer: string, status: number | null, signal: string | null): number {
  if (/^\d+$/.test(answer) && status === 0) return Number(answer);
  const [stage = '', errno = '', message] = answer.split('\0');
  if (message === undefined) {
    throw new EngineError('internal', `the native helper ended with ${signal ?? `status ${status}`}`);
  }
  throw new OciStageError({ stage, errno, message });
}

/** A failure in runc's words, which callers look for. */
export class OciStageError extends EngineError {
  constructor({ message }: StageFailure) {
    super('internal', `unable to start container process: ${message}`);
  }
}
