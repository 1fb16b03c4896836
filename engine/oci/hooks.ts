import { spawnSync } from 'node:child_process';
import { EngineError, messageOf } from '../lib/errors.ts';
import { type ContainerState, stateView, type Status } from './container-state.ts';

/** Runs the hooks that come when the container is already there or gone; the native side runs the others. */
export function runHooks(kind: 'poststart' | 'poststop', state: ContainerState, status: Status): void {
  const input = JSON.stringify(stateView(state, status));
  for (const { path, args = [], env = [], timeout = 0 } of state.spec.hooks?.[kind] ?? []) {
    const [argv0 = path, ...rest] = args;
    const result = spawnSync(path, rest, {
      argv0,
      input,
      env: environmentOf(env),
      cwd: '/',
      stdio: ['pipe', 'pipe', 'pipe'],
      ...(timeout > 0 ? { timeout: timeout * 1000, killSignal: 'SIGKILL' as const } : {}),
    });
    if (result.status === 0) continue;
    const reason = result.error ? messageOf(result.error) : `exit status ${result.status ?? result.signal}`;
    throw new EngineError(
      'internal',
      `error running ${kind} hook ${path}: ${reason}, output: ${String(result.stderr)}`,
    );
  }
}

/** SECURITY: nothing of ours, as with every hook. */
function environmentOf(entries: readonly string[]): Record<string, string> {
  const pairs = entries
    .filter((entry) => entry.includes('='))
    .map((entry): [string, string] => {
      const at = entry.indexOf('=');
      return [entry.slice(0, at), entry.slice(at + 1)];
    });
  return Object.fromEntries(pairs);
}
