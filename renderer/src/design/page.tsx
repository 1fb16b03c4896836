import { Search, X } from 'lucide-react';
import { useRef } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { useShortcut } from './shortcuts.ts';
import { Kbd } from './kbd.tsx';
import { cx } from './class-names.ts';

/** The frame of a pane: title and actions, an optional toolbar, and the scrolling body. */
export function Page({
  title,
  count,
  actions,
  toolbar,
  children,
}: {
  title: string;
  count?: number;
  actions?: ReactNode;
  toolbar?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-13 shrink-0 items-center gap-3 px-5 pt-3 pb-2">
        <h1 className="text-xl font-semibold tracking-[-0.01em]">{title}</h1>
        {count !== undefined && <span className="text-faint mt-0.5">{count}</span>}
        <div className="ml-auto flex flex-wrap items-center justify-end gap-2">{actions}</div>
      </header>
      {toolbar && (
        <div className="flex shrink-0 flex-wrap items-center gap-x-3 gap-y-2 px-5 pb-3">{toolbar}</div>
      )}
      <div className="min-h-0 flex-1">{children}</div>
    </section>
  );
}

/** The text filter of a list; `/` focuses it, Escape clears it. */
export function FilterInput({
  value,
  onChange,
  label,
  className,
}: {
  value: string;
  onChange: (value: string) => void;
  label: string;
  className?: string;
}) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  useShortcut('/', () => input.current?.focus());
  return (
    <div className={cx('relative min-w-40 flex-1', className ?? 'max-w-70')}>
      <Search size={14} className="text-faint absolute top-2 left-2.5" aria-hidden />
      <input
        ref={input}
        type="search"
        aria-label={label}
        placeholder={label}
        value={value}
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          if (value) onChange('');
          else input.current?.blur();
        }}
        className="bg-hover placeholder:text-faint hover:bg-pressed focus:bg-surface h-7.5 w-full rounded-md pr-8 pl-8 transition-colors focus-visible:outline-offset-0 [&::-webkit-search-cancel-button]:hidden"
      />
      <span className="absolute top-0 right-2 flex h-7.5 items-center">
        {value ? (
          <button
            type="button"
            aria-label={t('common.clearFilter')}
            onClick={() => onChange('')}
            className="text-faint"
          >
            <X size={14} aria-hidden />
          </button>
        ) : (
          <Kbd keys="/" />
        )}
      </span>
    </div>
  );
}
