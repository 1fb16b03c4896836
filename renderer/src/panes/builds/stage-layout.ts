import type { StageView } from './build-steps.ts';

export interface PlacedStage<T extends Pick<StageView, 'index' | 'needs'>> {
  stage: T;
  x: number;
  y: number;
}

export const STAGE_BOX = { width: 176, height: 46, gapX: 44, gapY: 14 };

/** How far the line of a stage that skips a column runs below the boxes. */
const DETOUR = 16;

/**
 * The line between two stages, as an SVG path: from side to side where they are neighbours, below the boxes where
 * others stand between them.
 */
export function linePath(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const { width, height, gapX } = STAGE_BOX;
  const startX = from.x + width;
  if (to.x - startX <= gapX) {
    const startY = from.y + height / 2;
    const endY = to.y + height / 2;
    const bend = (startX + to.x) / 2;
    return `M${startX} ${startY} C${bend} ${startY} ${bend} ${endY} ${to.x} ${endY}`;
  }
  const left = from.x + width / 2;
  const right = to.x + width / 2;
  const below = Math.max(from.y, to.y) + height + DETOUR;
  return `M${left} ${from.y + height} C${left} ${below} ${left} ${below} ${left + gapX} ${below} H${right - gapX} C${right} ${below} ${right} ${below} ${right} ${to.y + height}`;
}

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
  const columnOf = (index: number) => columns.get(index) ?? 0;
  const isSkipping = stages.some(({ index, needs }) =>
    needs.some((needed) => columnOf(index) - columnOf(needed) > 1),
  );
  return {
    placed,
    width: Math.max(0, rows.length * (width + gapX) - gapX),
    height: Math.max(0, Math.max(0, ...rows) * (height + gapY) - gapY) + (isSkipping ? DETOUR : 0),
  };
}
