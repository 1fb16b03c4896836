import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

interface CommandResult {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** A command on a terminal of its own, or in the background. */
interface RunningCommand {
  write(text: string): void;
  /** Ends its stdin. */
  endInput(): void;
  /** What it wrote so far, stdout and stderr together. */
  output(): string;
  /** Resolves with the output as soon as it fits. */
  waitFor(pattern: RegExp): Promise<string>;
  readonly exited: Promise<CommandResult>;
  kill(signal?: NodeJS.Signals): void;
}

export interface DockerCli {
  /** Runs the CLI to its end. */
  docker(...args: string[]): Promise<CommandResult>;
  /** The same with stdin; fails the test with the CLI's own words when it exits non-zero. */
  dockerOk(...args: string[]): Promise<string>;
  dockerWithInput(input: string | Buffer, ...args: string[]): Promise<CommandResult>;
  /** Starts it without a terminal and leaves it running. */
  dockerStart(...args: string[]): RunningCommand;
  /** On a pseudo-terminal of 24×80 made by script(1). */
  dockerTerminal(...args: string[]): RunningCommand;
}

export function createDockerCli(socketPath: string, configDirectory: string): DockerCli {
  const env = { ...process.env, DOCKER_HOST: `unix://${socketPath}`, DOCKER_CONFIG: configDirectory };
  const start = (command: string, args: string[]): RunningCommand =>
    track(spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] }));
  const withInput = (input: string | Buffer, args: string[]): Promise<CommandResult> => {
    const child = spawn('docker', args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    // A CLI that does not read its stdin may end first.
    child.stdin.on('error', () => undefined).end(input);
    return track(child).exited;
  };
  const docker = (...args: string[]): Promise<CommandResult> => withInput('', args);
  return {
    docker,
    async dockerOk(...args) {
      const { code, stdout, stderr } = await docker(...args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')} exited with ${code}: ${stderr}${stdout}`);
      return stdout.trim();
    },
    dockerWithInput: (input, ...args) => withInput(input, args),
    dockerStart: (...args) => start('docker', args),
    dockerTerminal(...args) {
      const command = ['docker', ...args]
        .map((arg) => `'${arg.replaceAll("'", String.raw`'\''`)}'`)
        .join(' ');
      return start('script', ['-qec', `stty rows 24 cols 80; ${command}`, '/dev/null']);
    },
  };
}

function track(child: ChildProcess): RunningCommand {
  const text = { stdout: '', stderr: '', all: '' };
  const waiting = new Set<() => void>();
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.on('data', (chunk: Buffer) => {
      text[name] += chunk.toString();
      text.all += chunk.toString();
      for (const check of waiting) check();
    });
  }
  const exited = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout: text.stdout,
    stderr: text.stderr,
  }));
  return {
    write: (input) => void child.stdin?.write(input),
    endInput: () => void child.stdin?.end(),
    output: () => text.all,
    exited,
    kill: (signal) => void child.kill(signal),
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!pattern.test(text.all)) return;
          waiting.delete(check);
          resolve(text.all);
        };
        waiting.add(check);
        check();
        void exited.then(() => reject(new Error(`ended without ${pattern}: ${text.all}`)));
      }),
  };
}
