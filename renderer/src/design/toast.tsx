import { CircleCheck, CircleX, Info, X } from 'lucide-react';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { createStore, useStore } from '../api/store.ts';
import { IconButton } from './button.tsx';

interface Toast {
  key: number;
  tone: 'good' | 'bad' | 'info';
  title: string;
  detail?: string;
}

const toasts = createStore<Toast[]>([]);
let nextKey = 1;
const icons = { good: CircleCheck, bad: CircleX, info: Info };
const colors = { good: 'text-good', bad: 'text-bad', info: 'text-accent' };

/** Says what was done or what failed; failures stay until dismissed or four newer ones came. */
export function toast(tone: Toast['tone'], title: string, detail?: string): void {
  toasts.set([...toasts.get().slice(-3), { key: nextKey++, tone, title, detail }]);
}

function dismiss(key: number): void {
  toasts.set(toasts.get().filter((toast) => toast.key !== key));
}

export function ToastHost() {
  const current = useStore(toasts);
  const { t } = useTranslation();
  return (
    <section
      aria-label={t('common.notifications')}
      aria-live="polite"
      className="pointer-events-none fixed right-4 bottom-4 z-60 flex w-90 max-w-[calc(100vw-2rem)] flex-col gap-2"
    >
      {current.map((toast) => (
        <ToastCard key={toast.key} toast={toast} />
      ))}
    </section>
  );
}

function ToastCard({ toast }: { toast: Toast }) {
  const { t } = useTranslation();
  useEffect(() => {
    if (toast.tone === 'bad') return undefined;
    const timer = window.setTimeout(() => dismiss(toast.key), 4500);
    return () => window.clearTimeout(timer);
  }, [toast]);
  const Icon = icons[toast.tone];
  return (
    <div
      role={toast.tone === 'bad' ? 'alert' : 'status'}
      className="animate-dialog bg-raised shadow-overlay pointer-events-auto flex gap-2.5 rounded-lg py-2 pr-1.5 pl-3"
    >
      <Icon size={16} className={`mt-1 shrink-0 ${colors[toast.tone]}`} aria-hidden />
      <div className="min-w-0 flex-1 py-0.5" data-selectable>
        <p className="font-semibold break-words">{toast.title}</p>
        {toast.detail && (
          <p className="text-muted max-h-32 overflow-y-auto text-sm break-words whitespace-pre-line">
            {toast.detail}
          </p>
        )}
      </div>
      <IconButton label={t('common.dismiss')} icon={X} onClick={() => dismiss(toast.key)} />
    </div>
  );
}
