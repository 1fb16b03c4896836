import type { LucideIcon } from 'lucide-react';
import { LoaderCircle } from 'lucide-react';
import type { ComponentProps } from 'react';
import { cx } from './class-names.ts';
import { Tip } from './tooltip.tsx';

type Variant = 'primary' | 'secondary' | 'ghost' | 'danger';

const variants: Record<Variant, string> = {
  primary: 'bg-accent text-on-accent hover:bg-accent-strong font-semibold shadow-raised',
  secondary: 'bg-surface text-text border border-line-strong hover:bg-hover active:bg-pressed shadow-raised',
  ghost: 'text-muted hover:text-text hover:bg-hover active:bg-pressed',
  danger: 'bg-bad text-white dark:text-[#2a0a0b] hover:bg-bad-strong font-semibold shadow-raised',
};

interface ButtonProps extends ComponentProps<'button'> {
  variant?: Variant;
  icon?: LucideIcon;
  busy?: boolean;
  size?: 'small' | 'medium';
}

export function Button(props: ButtonProps) {
  const { variant = 'secondary', icon: Icon, busy, size = 'medium', className, children, ...rest } = props;
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      disabled={rest.disabled || busy}
      className={cx(
        'inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md whitespace-nowrap transition-colors select-none disabled:opacity-50 disabled:pointer-events-none',
        size === 'small' ? 'h-6 px-2 text-sm' : 'h-7.5 px-3 text-base',
        variants[variant],
        className,
      )}
    >
      {busy ? (
        <LoaderCircle size={14} className="animate-spin" aria-hidden />
      ) : (
        Icon && <Icon size={14} strokeWidth={2} aria-hidden />
      )}
      {children}
    </button>
  );
}

interface IconButtonProps extends Omit<ComponentProps<'button'>, 'aria-label'> {
  label: string;
  icon: LucideIcon;
  shortcut?: string;
  pressed?: boolean;
  danger?: boolean;
  /** Shown as the tooltip instead of the label, e.g. why the button is disabled. */
  hint?: string;
}

/** A square button that always has a name and a tooltip. */
export function IconButton(props: IconButtonProps) {
  const { label, icon: Icon, shortcut, pressed, danger, hint, className, ...rest } = props;
  return (
    <Tip text={hint ?? label} shortcut={shortcut}>
      <button
        type="button"
        {...rest}
        aria-label={label}
        aria-pressed={pressed}
        className={cx(
          'inline-flex size-7 shrink-0 items-center justify-center rounded-md transition-colors disabled:opacity-35 disabled:pointer-events-none',
          pressed ? 'bg-accent-soft text-accent' : 'text-muted hover:bg-hover active:bg-pressed',
          danger ? 'hover:text-bad' : !pressed && 'hover:text-text',
          className,
        )}
      >
        <Icon size={15} strokeWidth={1.9} aria-hidden />
      </button>
    </Tip>
  );
}
