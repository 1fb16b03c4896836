import { X } from 'lucide-react';
import { Dialog as RadixDialog } from 'radix-ui';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import { cx } from './class-names.ts';

interface DialogProps {
  title: string;
  description?: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
  footer?: ReactNode;
  width?: 'small' | 'medium' | 'large';
}

const widths = { small: 'max-w-105', medium: 'max-w-140', large: 'max-w-180' };

/** The dialog itself gets the focus unless a field of it took it: the first button's tooltip would eat Escape. */
function focusContent(event: Event): void {
  event.preventDefault();
  const content = event.currentTarget;
  if (content instanceof HTMLElement && !content.contains(document.activeElement)) content.focus();
}

export function Dialog(props: DialogProps) {
  const { title, description, open, onClose, children, footer, width = 'medium' } = props;
  const { t } = useTranslation();
  return (
    <RadixDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="animate-overlay bg-scrim fixed inset-0 z-40" />
        <RadixDialog.Content
          onOpenAutoFocus={focusContent}
          {...(description ? {} : { 'aria-describedby': undefined })}
          className={cx(
            'animate-dialog bg-raised outline-none! shadow-overlay fixed inset-x-4 top-[8vh] z-50 mx-auto flex max-h-[84vh] flex-col rounded-xl',
            widths[width],
          )}
        >
          <header className="flex items-start gap-3 px-5 pt-4 pb-3">
            <div className="min-w-0 flex-1">
              <RadixDialog.Title className="text-lg font-semibold">{title}</RadixDialog.Title>
              {description && (
                <RadixDialog.Description className="text-muted mt-0.5">{description}</RadixDialog.Description>
              )}
            </div>
            <IconButton label={t('common.close')} icon={X} onClick={onClose} className="-mr-2" />
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 pb-4">{children}</div>
          {footer && (
            <footer className="border-line flex items-center justify-end gap-2 border-t px-5 py-3">
              {footer}
            </footer>
          )}
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

/** A panel from the right for details that keep the list in sight. */
export function Drawer({
  title,
  subtitle,
  open,
  onClose,
  children,
  actions,
}: {
  title: string;
  subtitle?: string;
  open: boolean;
  onClose: () => void;
  children: ReactNode;
  actions?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <RadixDialog.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="animate-overlay bg-scrim fixed inset-0 z-40" />
        <RadixDialog.Content
          onOpenAutoFocus={focusContent}
          aria-describedby={undefined}
          className="animate-drawer bg-canvas outline-none! shadow-overlay fixed inset-y-0 right-0 z-50 flex w-[min(42rem,92vw)] flex-col"
        >
          <header className="border-line flex items-center gap-3 border-b px-5 py-3">
            <div className="min-w-0 flex-1">
              <RadixDialog.Title className="truncate text-lg font-semibold" title={title}>
                {title}
              </RadixDialog.Title>
              {subtitle && <p className="text-muted truncate text-sm">{subtitle}</p>}
            </div>
            {actions}
            <IconButton label={t('common.close')} icon={X} onClick={onClose} className="-mr-1.5" />
          </header>
          <div className="min-h-0 flex-1 overflow-y-auto px-5 py-4">{children}</div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}
