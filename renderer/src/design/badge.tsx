import type { ReactNode } from 'react';
import { cx } from './class-names.ts';

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'accent';

const badges: Record<Tone, string> = {
  good: 'bg-good-soft text-good',
  warn: 'bg-warn-soft text-warn',
  bad: 'bg-bad-soft text-bad',
  idle: 'bg-pressed text-muted',
  accent: 'bg-accent-soft text-accent',
};

export function Badge({
  tone = 'idle',
  title,
  children,
}: {
  tone?: Tone;
  title?: string;
  children: ReactNode;
}) {
  return (
    <span
      title={title}
      className={cx(
        'inline-flex h-4.5 max-w-full items-center truncate rounded-sm px-1.5 text-xs',
        badges[tone],
      )}
    >
      {children}
    </span>
  );
}

const dots: Record<Tone, string> = {
  good: 'var(--dot-good)',
  warn: 'var(--dot-warn)',
  bad: 'var(--dot-bad)',
  idle: 'var(--dot-idle)',
  accent: 'var(--accent)',
};

export function StatusDot({ tone, hollow }: { tone: Tone; hollow?: boolean }) {
  return (
    <span
      aria-hidden
      className="inline-block size-2 shrink-0 rounded-full"
      style={hollow ? { boxShadow: `inset 0 0 0 1.5px ${dots[tone]}` } : { background: dots[tone] }}
    />
  );
}
