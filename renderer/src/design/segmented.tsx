import { cx } from './class-names.ts';

/** A small set of exclusive choices with optional counts, as a tab list. */
export function Segmented<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: { value: T; label: string; count?: number }[];
  value: T;
  onChange: (value: T) => void;
}) {
  return (
    <div role="tablist" aria-label={label} className="bg-hover flex gap-0.5 rounded-md p-0.5">
      {options.map((option) => (
        <button
          key={option.value}
          type="button"
          role="tab"
          aria-selected={option.value === value}
          onClick={() => onChange(option.value)}
          className={cx(
            'flex h-6.5 items-center gap-1.5 rounded-[5px] px-2.5 transition-colors',
            option.value === value
              ? 'bg-surface dark:bg-pressed text-text shadow-raised font-semibold'
              : 'text-muted hover:text-text',
          )}
        >
          {option.label}
          {option.count !== undefined && (
            <span className="text-faint text-sm font-normal">{option.count}</span>
          )}
        </button>
      ))}
    </div>
  );
}
