import { sparklinePath } from './sparkline-path.ts';

/** A line of the last minute: plain SVG, no axis, hidden from screen readers (the number beside it says it). */
export function Sparkline({
  values,
  width = 64,
  height = 20,
  minimumTop = 10,
}: {
  values: readonly number[];
  width?: number;
  height?: number;
  minimumTop?: number;
}) {
  const shown = values.slice(-60);
  const top = Math.max(minimumTop, ...shown);
  const line = sparklinePath(shown, { width, height }, 60, top);
  const startX = width - (shown.length - 1) * (width / 59);
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden className="shrink-0">
      <line x1="0" x2={width} y1={height - 0.5} y2={height - 0.5} stroke="var(--line)" />
      {line && (
        <>
          <path
            d={`${line}L${width} ${height}L${startX.toFixed(1)} ${height}Z`}
            fill="var(--chart-1)"
            opacity="0.13"
          />
          <path d={line} fill="none" stroke="var(--chart-1)" strokeWidth="1.3" strokeLinejoin="round" />
        </>
      )}
    </svg>
  );
}
