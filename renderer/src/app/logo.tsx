import { cx } from '../design/class-names.ts';

export function Logo({ className, compact }: { className?: string; compact?: boolean }) {
  return (
    <span className={cx('flex items-center gap-2.5', className)}>
      <svg width="22" height="22" viewBox="0 0 32 32" aria-hidden className="shrink-0">
        <rect width="32" height="32" rx="8" fill="#2f5fe3" />
        <path
          d="M7 25V10M25 25V10M5 10h22M16 10v5"
          stroke="#fff"
          strokeWidth="2.4"
          strokeLinecap="round"
          fill="none"
        />
        <rect x="11.5" y="15" width="9" height="6.5" rx="1.4" fill="#fff" />
      </svg>
      {!compact && <span className="text-lg font-semibold tracking-[-0.01em]">Gantry</span>}
    </span>
  );
}
