import { Check, LoaderCircle, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../design/button.tsx';
import { cx } from '../../design/class-names.ts';
import type { ComposeRun } from './compose-runs.ts';

function titleOf({ verb, running, failed }: ComposeRun) {
  if (failed) return `compose.${verb}Failed` as const;
  return running ? (`compose.${verb}Title` as const) : (`compose.${verb}Done` as const);
}

/** What Up or Down is doing, object by object. */
export function ProgressPanel({ run, onClose }: { run: ComposeRun; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <section
      aria-label={t('compose.progress')}
      className="border-line flex max-h-[45%] shrink-0 flex-col border-t"
    >
      <header className="flex h-9 shrink-0 items-center gap-2 px-5">
        {run.running && <LoaderCircle size={14} className="text-accent animate-spin" aria-hidden />}
        <h2 className={cx('font-semibold', run.failed && 'text-bad')} role={run.failed ? 'alert' : undefined}>
          {t(titleOf(run), { project: run.project })}
        </h2>
        <span className="ml-auto">
          <IconButton label={t('common.close')} icon={X} disabled={run.running} onClick={onClose} />
        </span>
      </header>
      <ul aria-live="polite" className="min-h-0 overflow-y-auto pb-2">
        {run.rows.map((row) => (
          <li key={row.key} className="flex min-w-0 items-start gap-2.5 px-5 py-0.5">
            <span className="mt-0.5 flex size-4 shrink-0 items-center justify-center">
              {row.phase === 'working' && (
                <LoaderCircle size={14} className="text-accent animate-spin" aria-hidden />
              )}
              {row.phase === 'done' && <Check size={14} className="text-good" aria-hidden />}
              {row.phase === 'failed' && <X size={14} className="text-bad" aria-hidden />}
            </span>
            <span className="text-faint w-20 shrink-0">{t(`compose.kinds.${row.kind}`)}</span>
            <span className="min-w-0 truncate" title={row.name}>
              {row.name}
            </span>
            <span className={row.phase === 'failed' ? 'text-bad' : 'text-muted'}>{row.status}</span>
            {row.message && <span className="text-bad min-w-0 break-words">{row.message}</span>}
          </li>
        ))}
        {run.failure && <li className="text-bad px-5 py-1 break-words">{run.failure}</li>}
      </ul>
    </section>
  );
}
