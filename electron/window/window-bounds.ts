interface Bounds {
  x: number;
  y: number;
  width: number;
  height: number;
}

export const DEFAULT_SIZE = { width: 1280, height: 820 };
export const MINIMUM_SIZE = { width: 800, height: 520 };
/** So much of the window must be on a screen for its title bar to be caught. */
const VISIBLE_PIXELS = 80;

/** The remembered bounds if they still make sense with today's screens, else the default size wherever it falls. */
export function usableBounds(
  remembered: unknown,
  workAreas: readonly Bounds[],
): Partial<Bounds> & typeof DEFAULT_SIZE {
  if (!isBounds(remembered)) return DEFAULT_SIZE;
  const width = Math.max(MINIMUM_SIZE.width, remembered.width);
  const height = Math.max(MINIMUM_SIZE.height, remembered.height);
  const bounds = { x: remembered.x, y: remembered.y, width, height };
  return workAreas.some((area) => isCatchable(bounds, area)) ? bounds : { width, height };
}

function isCatchable(bounds: Bounds, area: Bounds): boolean {
  const overlap = Math.min(bounds.x + bounds.width, area.x + area.width) - Math.max(bounds.x, area.x);
  const titleBarInside = bounds.y >= area.y && bounds.y < area.y + area.height - VISIBLE_PIXELS / 2;
  return overlap >= VISIBLE_PIXELS && titleBarInside;
}

function isBounds(value: unknown): value is Bounds {
  if (typeof value !== 'object' || value === null) return false;
  return ['x', 'y', 'width', 'height'].every((key) =>
    Number.isInteger((value as Record<string, unknown>)[key]),
  );
}
