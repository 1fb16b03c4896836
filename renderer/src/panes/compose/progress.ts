import type { ComposeProgress } from '../../../../electron/api/types.ts';

export interface ProgressRow extends ComposeProgress {
  key: string;
  phase: 'working' | 'done' | 'failed';
}

export function isFailure(step: ComposeProgress): boolean {
  return /error|failed/i.test(step.status);
}

const finished =
  /^(created|started|running|removed|stopped|recreated|pulled|healthy|exists|unchanged|up-to-date|skipped)$/i;

/** One row per object with its newest status, in the order the objects came up. */
export function addProgress(rows: readonly ProgressRow[], step: ComposeProgress): ProgressRow[] {
  const key = `${step.kind} ${step.name}`;
  const phase = isFailure(step) ? 'failed' : finished.test(step.status) ? 'done' : 'working';
  const row: ProgressRow = { ...step, key, phase };
  const index = rows.findIndex((known) => known.key === key);
  return index < 0 ? [...rows, row] : rows.with(index, row);
}
