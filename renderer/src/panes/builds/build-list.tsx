import { Plus } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { StatusDot } from '../../design/badge.tsx';
import type { Tone } from '../../design/badge.tsx';
import { cx } from '../../design/class-names.ts';
import { SkeletonBlock } from '../../design/states.tsx';
import { toFailure } from '../../api/failure.ts';
import { formatAgo } from '../../format/time.ts';
import { useNow } from '../../format/use-now.ts';
import { formatDuration } from './lasting.ts';
import { isNotAvailable, useBuildEntries, useBuildHistory } from './use-builds.ts';
import type { BuildEntry } from './use-builds.ts';

export const TONES: Record<BuildEntry['status'], Tone> = {
  running: 'accent',
  done: 'good',
  failed: 'bad',
  cancelled: 'idle',
  interrupted: 'warn',
};

/** A new build, and those that were. */
export function BuildList({
  chosen,
  onOpen,
}: {
  chosen: string | undefined;
  onOpen: (key: string | undefined) => void;
}) {
  const { t } = useTranslation();
  const entries = useBuildEntries();
  return (
    <nav
      aria-label={t('builds.history')}
      className="border-line w-44 shrink-0 overflow-y-auto border-r p-2 min-[1000px]:w-60"
    >
      <button
        type="button"
        aria-current={chosen === undefined ? 'page' : undefined}
        onClick={() => onOpen(undefined)}
        className={cx(
          'flex w-full items-center gap-2 rounded-md px-2.5 py-1.5 text-left font-semibold',
          chosen === undefined ? 'bg-pressed' : 'hover:bg-hover',
        )}
      >
        <Plus size={14} aria-hidden />
        {t('builds.newBuild')}
      </button>
      <h2 className="text-faint px-2.5 pt-3 pb-1 text-sm font-semibold">{t('builds.history')}</h2>
      {entries.map((entry) => (
        <Entry key={entry.key} entry={entry} chosen={entry.key === chosen} onOpen={() => onOpen(entry.key)} />
      ))}
      <HistoryNote isEmpty={entries.length === 0} />
    </nav>
  );
}

function Entry({ entry, chosen, onOpen }: { entry: BuildEntry; chosen: boolean; onOpen: () => void }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const { status, tags, startedAt, finishedAt } = entry;
  const name = tags.join(', ') || t('builds.untagged');
  const lasted =
    finishedAt === undefined ? '' : ` · ${formatDuration(finishedAt - startedAt, i18n.language)}`;
  return (
    <button
      type="button"
      aria-current={chosen ? 'page' : undefined}
      onClick={onOpen}
      className={cx(
        'flex w-full flex-col rounded-md px-2.5 py-1.5 text-left',
        chosen ? 'bg-pressed' : 'hover:bg-hover',
      )}
    >
      <span className="flex w-full min-w-0 items-center gap-2">
        <StatusDot tone={TONES[status]} />
        <span className={cx('truncate', tags.length > 0 ? 'font-semibold' : 'text-muted')} title={name}>
          {name}
        </span>
      </span>
      <span className="text-faint w-full truncate pl-4 text-sm">
        {t(`builds.status.${status}`)} · {formatAgo(startedAt, now, i18n.language)}
        {lasted}
      </span>
    </button>
  );
}

function HistoryNote({ isEmpty }: { isEmpty: boolean }) {
  const { t } = useTranslation();
  const { isPending, error } = useBuildHistory();
  if (isPending) {
    return (
      <div className="px-2.5">
        <SkeletonBlock lines={4} />
      </div>
    );
  }
  const text = error
    ? isNotAvailable(error)
      ? t('builds.historyUnavailable')
      : toFailure(error).message
    : isEmpty
      ? t('builds.historyEmpty')
      : undefined;
  return text && <p className="text-faint px-2.5 py-1 text-sm break-words">{text}</p>;
}
