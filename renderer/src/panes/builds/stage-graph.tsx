import { useTranslation } from 'react-i18next';
import type { StageView } from './build-steps.ts';
import { layOutStages, linePath, STAGE_BOX } from './stage-layout.ts';

const COLORS: Record<NonNullable<StageView['state']>, string> = {
  running: 'var(--accent)',
  cached: 'var(--accent)',
  done: 'var(--dot-good)',
  failed: 'var(--dot-bad)',
  stopped: 'var(--dot-idle)',
};

/** Longest text that fits a box; the rest is in its tooltip. */
const MAX_NAME = 22;

function shortened(text: string): string {
  return text.length > MAX_NAME ? `${text.slice(0, MAX_NAME - 1)}…` : text;
}

/** Which stage takes from which, left to right. */
export function StageGraph({ stages }: { stages: readonly StageView[] }) {
  const { t } = useTranslation();
  const { placed, width, height } = layOutStages(stages);
  const places = new Map(placed.map((place) => [place.stage.index, place]));
  return (
    <figure className="border-line m-0 overflow-x-auto border-b px-5 py-3" aria-label={t('builds.stages')}>
      <svg width={width + 2} height={height + 2} viewBox={`-1 -1 ${width + 2} ${height + 2}`} role="img">
        <title>{t('builds.stages')}</title>
        {placed.flatMap(({ stage, x, y }) =>
          stage.needs.map((needed) => {
            const from = places.get(needed);
            if (!from) return null;
            return (
              <path
                key={`${needed}-${stage.index}`}
                d={linePath(from, { x, y })}
                fill="none"
                stroke="var(--faint)"
                strokeWidth={1.5}
              />
            );
          }),
        )}
        {placed.map(({ stage, x, y }) => (
          <StageBox key={stage.index} stage={stage} x={x} y={y} />
        ))}
      </svg>
    </figure>
  );
}

function StageBox({ stage, x, y }: { stage: StageView; x: number; y: number }) {
  const { t } = useTranslation();
  const name = stage.name === '' ? t('builds.stage', { number: stage.index }) : stage.name;
  const facts = `${stage.base} · ${t('builds.instructions', { count: stage.instructions })}`;
  const state = stage.state === undefined ? '' : ` · ${t(`builds.state.${stage.state}`)}`;
  return (
    <g transform={`translate(${x} ${y})`}>
      <title>{`${name}: ${facts}${state}`}</title>
      <rect
        width={STAGE_BOX.width}
        height={STAGE_BOX.height}
        rx={7}
        fill="var(--surface)"
        stroke="var(--line-strong)"
      />
      {stage.state && <rect width={4} height={STAGE_BOX.height} rx={2} fill={COLORS[stage.state]} />}
      <text x={12} y={19} fill="var(--text)" fontSize={13} fontWeight={600}>
        {shortened(name)}
      </text>
      <text x={12} y={36} fill="var(--faint)" fontSize={12}>
        {shortened(facts)}
      </text>
    </g>
  );
}
