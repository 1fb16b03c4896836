import { spawn, type ChildProcess } from 'node:child_process';
import { EngineError } from '../lib/errors.ts';

/** A subcommand of the native helper that failed: errno name (or '') and its message. */
export class NativeError extends Error {
  readonly errno: string;
  constructor(errno: string, message: string) {
    super(message);
    this.name = 'NativeError';
    this.errno = errno;
  }
}

type StdioKind = 'ignore' | 'pipe';

interface NativeProcess {
  child: ChildProcess;
  /** Resolves when it exited with 0; rejects with NativeError, or EngineError `cancelled` when it was killed. */
  exited: Promise<void>;
}

const MAX_MESSAGE = 16 * 1024;

/** Starts `binary argv…` with an empty environment; stderr is its error channel (`ERRNO message`). */
export function startNative(
  binary: string,
  argv: string[],
  stdio: { stdin: StdioKind; stdout: StdioKind },
): NativeProcess {
  const child = spawn(binary, argv, { stdio: [stdio.stdin, stdio.stdout, 'pipe'], env: {}, cwd: '/' });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    if (stderr.length < MAX_MESSAGE) stderr += text;
  });
  // The reader of an early ended process: its own error says more than EPIPE.
  child.stdin?.on('error', () => undefined);
  const exited = new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else if (signal !== null)
        reject(new EngineError('cancelled', `${argv[0] ?? binary} ended by ${signal}`));
      else reject(parseError(stderr, `${argv[0] ?? binary} failed with status ${code}`));
    });
  });
  exited.catch(() => undefined);
  return { child, exited };
}

function parseError(stderr: string, fallback: string): NativeError {
  const line = stderr.trim().split('\n').at(-1) ?? '';
  const match = /^(-|E[A-Z0-9]+) (.+)$/.exec(line);
  if (!match) return new NativeError('', line === '' ? fallback : line);
  return new NativeError(match[1] === '-' ? '' : (match[1] ?? ''), match[2] ?? '');
}
