import type { ReactNode } from 'react';
import { cx } from './class-names.ts';

/** A titled block of a details page. */
export function Card({
  title,
  aside,
  className,
  children,
}: {
  title: string;
  aside?: ReactNode;
  className?: string;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className={cx('border-line bg-surface min-w-0 rounded-lg border', className)}>
      <header className="flex min-h-9 items-center justify-between gap-2 px-4 pt-1">
        <h2 className="text-muted text-sm font-semibold">{title}</h2>
        {aside}
      </header>
      <div className="px-4 pb-3">{children}</div>
    </section>
  );
}

/** Name and value pairs; long values wrap, missing ones are left out. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[minmax(7rem,auto)_minmax(0,1fr)] gap-x-5 gap-y-1.5">
      {facts
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-faint">{name}</dt>
            <dd className="min-w-0 [overflow-wrap:anywhere]">{value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function Code({ children }: { children: string }) {
  return <code className="text-sm [overflow-wrap:anywhere]">{children}</code>;
}
