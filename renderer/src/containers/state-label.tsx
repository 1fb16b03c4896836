import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../electron/api/types.ts';
import { StatusDot } from '../design/badge.tsx';
import { cx } from '../design/class-names.ts';
import { exitCodeOf, stateTone } from './state-view.ts';

/** Dot and words; an unhealthy container says so instead of “Running”. */
export function StateLabel({
  container,
}: {
  container: Pick<ContainerSummary, 'state' | 'health' | 'status'>;
}) {
  const { t } = useTranslation();
  const tone = stateTone(container);
  const code = container.state === 'exited' ? exitCodeOf(container.status) : undefined;
  const text =
    container.state === 'running' && container.health
      ? t(`containers.health.${container.health}`)
      : code
        ? t('containers.states.exitedCode', { code })
        : t(`containers.states.${container.state}`);
  return (
    <span className="inline-flex min-w-0 items-center gap-2" title={container.status}>
      <StatusDot tone={tone} hollow={container.state === 'created'} />
      <span className={cx('truncate', tone === 'bad' && 'text-bad', tone === 'idle' && 'text-muted')}>
        {text}
      </span>
    </span>
  );
}
