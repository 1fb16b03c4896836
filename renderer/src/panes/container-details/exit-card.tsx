import { CircleCheck, CircleX, Info } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { cx } from '../../design/class-names.ts';
import { formatLasting } from '../../format/time.ts';
import { exitReason } from './exit-summary.ts';

/** Says in words why a container is not running. */
export function ExitCard({ container }: { container: ContainerDetails }) {
  const { t, i18n } = useTranslation();
  const reason = exitReason(container);
  if (!reason) return null;
  const calm = ['ok', 'terminated', 'neverStarted', 'interrupted'].includes(reason.key);
  const Icon = reason.key === 'ok' ? CircleCheck : calm ? Info : CircleX;
  const ranMs =
    container.startedAt && container.finishedAt ? container.finishedAt - container.startedAt : undefined;
  return (
    <section
      aria-label={t('details.exit.title')}
      className={cx('flex gap-3 rounded-lg px-4 py-3', calm ? 'bg-hover' : 'bg-bad-soft')}
    >
      <Icon size={17} aria-hidden className={cx('mt-0.5 shrink-0', calm ? 'text-muted' : 'text-bad')} />
      <div className="min-w-0" data-selectable>
        <p className="font-semibold">{t(`details.exit.${reason.key}`, { ...reason })}</p>
        {ranMs !== undefined && ranMs >= 0 && reason.key !== 'neverStarted' && (
          <p className="text-muted">
            {t('details.exit.ranFor', { time: formatLasting(ranMs, i18n.language) })}
          </p>
        )}
        {container.error && <p className="text-bad mt-1 font-mono text-sm break-words">{container.error}</p>}
      </div>
    </section>
  );
}
