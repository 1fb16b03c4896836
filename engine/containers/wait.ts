import { invalidArgument } from '../lib/errors.ts';
import type { Container, ExitResult } from './container.ts';
import { isActive } from './record.ts';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export function parseWaitCondition(text: string | undefined): WaitCondition {
  if (text === undefined || text === '' || text === 'not-running') return 'not-running';
  if (text === 'next-exit' || text === 'removed') return text;
  throw invalidArgument(`invalid condition: "${text}"`);
}

/** Resolves as the condition says; rejects when the signal aborts. */
export async function waitFor(
  container: Container,
  condition: WaitCondition,
  signal: AbortSignal,
): Promise<ExitResult> {
  if (condition === 'removed') return container.removal(signal);
  if (condition === 'not-running' && !isActive(container.record.state.status)) {
    return { exitCode: container.record.state.exitCode };
  }
  return container.nextExit(signal);
}
