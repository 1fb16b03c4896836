import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const BUNDLE = fileURLToPath(new URL('../../build/engine/engine.mjs', import.meta.url));

/** What goes before an engine's flags. */
export const NODE_COMMAND: readonly string[] = [process.execPath, BUNDLE];

interface EngineProcess {
  readonly pid: number;
  /** Everything it logged so far. */
  stderr(): string;
  /** Sends the signal and resolves with the exit code (null: killed) when the process is gone. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs the bundle to its end, for command lines that are refused. */
export async function runEngine(
  ...flags: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [BUNDLE, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Resolves when the engine says that it is listening; rejects with its log when it ends instead. `command`: what goes
 * before the flags. */
export async function spawnEngine(
  flags: string[],
  environment: Record<string, string>,
  [command, ...before]: readonly string[] = NODE_COMMAND,
): Promise<EngineProcess> {
  const child = spawn(command ?? '', [...before, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const stderr = collect(child.stderr);
  const exited = once(child, 'exit') as Promise<[number | null]>;
  await listening(child, stderr);
  return {
    pid: child.pid ?? 0,
    stderr,
    async end(signal) {
      child.kill(signal);
      return (await exited)[0];
    },
  };
}

function listening(child: ChildProcess, stderr: () => string): Promise<void> {
  return new Promise((resolve, reject) => {
    const stdout = collect(child.stdout);
    child.stdout?.on('data', () => {
      if (stdout().includes('\n')) resolve();
    });
    child.on('exit', (code) => reject(new Error(`engine exited with ${code}: ${stderr()}`)));
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  let text = '';
  stream?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
