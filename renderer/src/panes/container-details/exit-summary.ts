import type { ContainerDetails } from '../../../../electron/api/types.ts';

type ExitReason =
  | {
      key:
        | 'ok'
        | 'killed'
        | 'terminated'
        | 'interrupted'
        | 'segfault'
        | 'aborted'
        | 'notFound'
        | 'notExecutable';
    }
  | { key: 'neverStarted' }
  | { key: 'error' | 'oom'; code: number }
  | { key: 'signal'; code: number; signal: number };

const known: Record<number, ExitReason> = {
  0: { key: 'ok' },
  126: { key: 'notExecutable' },
  127: { key: 'notFound' },
  130: { key: 'interrupted' },
  134: { key: 'aborted' },
  137: { key: 'killed' },
  139: { key: 'segfault' },
  143: { key: 'terminated' },
};

/** Why a container is not running, from what the engine recorded; undefined while it lives. */
export function exitReason(
  container: Pick<ContainerDetails, 'state' | 'exitCode' | 'oomKilled' | 'startedAt'>,
): ExitReason | undefined {
  const { state, exitCode: code } = container;
  if (state === 'created') return { key: 'neverStarted' };
  if (state !== 'exited' && state !== 'dead') return undefined;
  if (container.oomKilled) return { key: 'oom', code };
  const reason = known[code];
  if (reason) return reason;
  return code > 128 && code <= 192 ? { key: 'signal', code, signal: code - 128 } : { key: 'error', code };
}
