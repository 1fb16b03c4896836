import { Check, ChevronDown } from 'lucide-react';
import { Checkbox as RadixCheckbox } from 'radix-ui';
import { useId } from 'react';
import type { ComponentProps, ReactNode } from 'react';
import { cx } from './class-names.ts';

const control =
  'bg-surface border-line-strong text-text placeholder:text-faint h-7.5 w-full min-w-0 rounded-md border px-2.5 text-base transition-colors hover:border-faint focus-visible:outline-offset-0 disabled:opacity-50 aria-invalid:border-bad';

export function Input({ className, ...rest }: ComponentProps<'input'>) {
  return (
    <input type="text" spellCheck={false} autoComplete="off" {...rest} className={cx(control, className)} />
  );
}

export function Select({ className, children, ...rest }: ComponentProps<'select'>) {
  return (
    <span className={cx('relative inline-flex', className)}>
      <select {...rest} className={cx(control, 'appearance-none pr-7')}>
        {children}
      </select>
      <ChevronDown
        size={14}
        className="text-muted pointer-events-none absolute top-1/2 right-2 -translate-y-1/2"
        aria-hidden
      />
    </span>
  );
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  className?: string;
  children: (control: { id: string; 'aria-invalid'?: true; 'aria-describedby'?: string }) => ReactNode;
}

/** A labelled control; the hint gives way to the error. */
export function Field({ label, hint, error, className, children }: FieldProps) {
  const id = useId();
  const noteId = `${id}-note`;
  const note = error ?? hint;
  return (
    <div className={cx('flex min-w-0 flex-col gap-1', className)}>
      <label htmlFor={id} className="text-muted text-sm font-semibold">
        {label}
      </label>
      {children({
        id,
        'aria-invalid': error ? true : undefined,
        'aria-describedby': note ? noteId : undefined,
      })}
      {note && (
        <p id={noteId} className={cx('text-sm', error ? 'text-bad' : 'text-faint')}>
          {note}
        </p>
      )}
    </div>
  );
}

export function Checkbox({
  label,
  checked,
  onChange,
  hint,
  hideLabel,
  disabled,
}: {
  label: string;
  checked: boolean | 'indeterminate';
  onChange: (checked: boolean) => void;
  hint?: string;
  hideLabel?: boolean;
  disabled?: boolean;
}) {
  const id = useId();
  return (
    <span className={cx('flex gap-2', hideLabel ? 'items-center' : 'items-start')}>
      <RadixCheckbox.Root
        id={id}
        checked={checked}
        disabled={disabled}
        onCheckedChange={(next) => onChange(next === true)}
        aria-label={hideLabel ? label : undefined}
        className={cx(
          !hideLabel && 'mt-0.5',
          'border-line-strong bg-surface data-[state=checked]:bg-accent data-[state=checked]:border-accent data-[state=indeterminate]:bg-accent data-[state=indeterminate]:border-accent text-on-accent hover:border-faint inline-flex size-4 shrink-0 items-center justify-center rounded-sm border transition-colors disabled:opacity-50',
        )}
      >
        <RadixCheckbox.Indicator>
          {checked === 'indeterminate' ? (
            <span className="bg-on-accent block h-0.5 w-2 rounded-full" />
          ) : (
            <Check size={12} strokeWidth={3} aria-hidden />
          )}
        </RadixCheckbox.Indicator>
      </RadixCheckbox.Root>
      {!hideLabel && (
        <label htmlFor={id}>
          {label}
          {hint && <span className="text-faint block text-sm">{hint}</span>}
        </label>
      )}
    </span>
  );
}
