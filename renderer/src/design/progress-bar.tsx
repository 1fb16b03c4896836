import { cx } from './class-names.ts';

/** `value` from 0 to 1; undefined: under way, nobody knows how far. */
export function ProgressBar({
  label,
  value,
  tone = 'accent',
}: {
  label: string;
  value: number | undefined;
  tone?: 'accent' | 'good' | 'bad';
}) {
  const color = { accent: 'bg-accent', good: 'bg-good', bad: 'bg-bad' }[tone];
  const percent = value === undefined ? undefined : Math.round(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className="bg-pressed h-1.5 w-full overflow-hidden rounded-full"
    >
      <div
        className={cx(
          'h-full rounded-full transition-[width] duration-150',
          color,
          percent === undefined && 'animate-pulse',
        )}
        style={{ width: `${percent ?? 100}%` }}
      />
    </div>
  );
}
