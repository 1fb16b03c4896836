import type { StageView } from './build-steps.ts';

export interface PlacedStage<T extends Pick<StageView, 'index' | 'needs'>> {
  stage: T;
  x: number;
  y: number;
}

export const STAGE_BOX = { width: 176, height: 46, gapX: 44, gapY: 14 };

/** Stages from left to right, each one right of all it takes from; in the order of the Dockerfile from top to bottom. */
export function layOutStages<T extends Pick<StageView, 'index' | 'needs'>>(
  stages: readonly T[],
): { placed: PlacedStage<T>[]; width: number; height: number } {
  const columns = new Map<number, number>();
  const rows: number[] = [];
  const placed = stages.map((stage) => {
    const column = Math.max(-1, ...stage.needs.map((needed) => columns.get(needed) ?? -1)) + 1;
    columns.set(stage.index, column);
    const row = rows[column] ?? 0;
    rows[column] = row + 1;
    const { width, height, gapX, gapY } = STAGE_BOX;
    return { stage, x: column * (width + gapX), y: row * (height + gapY) };
  });
  const { width, height, gapX, gapY } = STAGE_BOX;
  return {
    placed,
    width: Math.max(0, rows.length * (width + gapX) - gapX),
    height: Math.max(0, Math.max(0, ...rows) * (height + gapY) - gapY),
  };
}
