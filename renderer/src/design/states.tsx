import type { LucideIcon } from 'lucide-react';
import { RotateCw, TriangleAlert, Unplug } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { toFailure } from '../api/failure.ts';
import { Button } from './button.tsx';

export function EmptyState({
  icon: Icon,
  title,
  body,
  children,
}: {
  icon: LucideIcon;
  title: string;
  body?: string;
  children?: ReactNode;
}) {
  return (
    <div className="flex h-full min-h-60 flex-col items-center justify-center px-6 py-10 text-center">
      <span className="border-line text-faint mb-4 inline-flex size-12 items-center justify-center rounded-xl border">
        <Icon size={22} strokeWidth={1.6} aria-hidden />
      </span>
      <h2 className="text-lg font-semibold">{title}</h2>
      {body && <p className="text-muted mt-1 max-w-100">{body}</p>}
      {children && <div className="mt-4 flex flex-wrap justify-center gap-2">{children}</div>}
    </div>
  );
}

/** Nobody answers: the banner says so already, this is no fault of the object. */
const unreachable = new Set(['ENGINE_UNREACHABLE', 'TRANSPORT']);

/** A failed read: what failed, the hint when there is one, and a way to try again. */
export function ErrorState({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useTranslation();
  const failure = toFailure(error);
  if (unreachable.has(failure.code)) {
    return (
      <EmptyState icon={Unplug} title={t('shell.engineLostTitle')} body={failure.message}>
        {retry && (
          <Button icon={RotateCw} onClick={retry}>
            {t('common.tryAgain')}
          </Button>
        )}
      </EmptyState>
    );
  }
  return (
    <div
      role="alert"
      className="flex h-full min-h-60 flex-col items-center justify-center px-6 py-10 text-center"
    >
      <span className="bg-bad-soft text-bad mb-4 inline-flex size-12 items-center justify-center rounded-xl">
        <TriangleAlert size={22} strokeWidth={1.6} aria-hidden />
      </span>
      <h2 className="text-lg font-semibold">{t('common.failedToLoad')}</h2>
      <p className="text-muted mt-1 max-w-120 break-words" data-selectable>
        {failure.message}
      </p>
      {failure.hint && <p className="text-faint mt-1 max-w-120 text-sm">{failure.hint}</p>}
      {retry && (
        <Button icon={RotateCw} onClick={retry} className="mt-4">
          {t('common.tryAgain')}
        </Button>
      )}
    </div>
  );
}

const widths = ['62%', '48%', '71%', '55%', '66%', '44%', '58%', '69%'];

/** The shape of a table before its rows are there. */
export function SkeletonRows({ rows = 8, height = 42 }: { rows?: number; height?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t('common.loading')}>
      {Array.from({ length: rows }, (_, index) => (
        <div
          key={index}
          className="border-line grid grid-cols-[3fr_2fr_1fr_1fr] items-center gap-6 border-b px-5"
          style={{ height }}
        >
          <span className="skeleton h-3" style={{ width: widths[index % widths.length] }} />
          <span className="skeleton h-3" style={{ width: widths[(index + 3) % widths.length] }} />
          <span className="skeleton h-3 w-3/5" />
          <span className="skeleton h-3 w-2/5 justify-self-end" />
        </div>
      ))}
    </div>
  );
}

export function SkeletonBlock({ lines = 6 }: { lines?: number }) {
  const { t } = useTranslation();
  return (
    <div role="status" aria-label={t('common.loading')} className="flex flex-col gap-3 py-2">
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} className="skeleton h-3.5" style={{ width: widths[index % widths.length] }} />
      ))}
    </div>
  );
}
