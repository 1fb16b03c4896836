import { ScrollText } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { saveText } from '../design/save-file.ts';
import { isBoolean, useRemembered } from '../design/remembered.ts';
import { EmptyState, ErrorState, SkeletonBlock } from '../design/states.tsx';
import type { TimestampMode } from './log-line-view.tsx';
import { LogList } from './log-list.tsx';
import { filterLines, findMatches } from './log-search.ts';
import { LogToolbar } from './log-toolbar.tsx';
import { useLogStream } from './use-log-stream.ts';

const isTimestampMode = (value: unknown): value is TimestampMode =>
  value === 'off' || value === 'local' || value === 'utc';

interface LogViewerProps {
  id: string;
  name: string;
  running: boolean;
  /** Opens the log in its own window; absent where it already is. */
  onDetach?: () => void;
}

export function LogViewer({ id, name, running, onDetach }: LogViewerProps) {
  const { t } = useTranslation();
  const { buffer, state, error, clear } = useLogStream(id, running);
  const [follow, setFollow] = useState(true);
  const [search, setSearch] = useState('');
  const [onlyMatches, setOnlyMatches] = useState(false);
  const [matchAt, setMatchAt] = useState<number>();
  const [wrap, setWrap] = useRemembered('logs.wrap', true, isBoolean);
  const [timestamps, setTimestamps] = useRemembered<TimestampMode>('logs.timestamps', 'off', isTimestampMode);

  const lines = useMemo(
    () => (onlyMatches ? filterLines(buffer.lines, search) : buffer.lines),
    [buffer.lines, onlyMatches, search],
  );
  const matches = useMemo(() => findMatches(lines, search), [lines, search]);
  const step = (by: number) => {
    if (matches.length === 0) return;
    const from = matchAt ?? (by > 0 ? -1 : matches.length);
    setFollow(false);
    setMatchAt((from + by + matches.length) % matches.length);
  };
  const download = () => {
    const text = lines.map((line) => `${line.timestamp} ${line.plain}\n`).join('');
    saveText(`${name}.log`, text);
  };

  return (
    <div className="flex h-full min-h-0 flex-col">
      <LogToolbar
        search={search}
        onSearch={(text) => {
          setSearch(text);
          setMatchAt(undefined);
        }}
        onlyMatches={onlyMatches}
        onOnlyMatches={setOnlyMatches}
        matches={matches.length}
        matchAt={matchAt}
        onStep={step}
        follow={follow}
        onFollow={setFollow}
        wrap={wrap}
        onWrap={setWrap}
        timestamps={timestamps}
        onTimestamps={setTimestamps}
        onClear={clear}
        onDownload={download}
        onDetach={onDetach}
      />
      <div className="bg-sidebar border-line min-h-0 flex-1 border-t">
        {lines.length > 0 ? (
          <LogList
            lines={lines}
            wrap={wrap}
            timestamps={timestamps}
            search={search}
            current={matchAt === undefined ? undefined : matches[matchAt]}
            follow={follow}
            onFollowChange={setFollow}
          />
        ) : state === 'loading' ? (
          <div className="px-4">
            <SkeletonBlock lines={12} />
          </div>
        ) : state === 'failed' ? (
          <ErrorState error={error} />
        ) : onlyMatches && search ? (
          <EmptyState icon={ScrollText} title={t('common.noMatches', { text: search })} />
        ) : (
          <EmptyState
            icon={ScrollText}
            title={t('details.logs.empty')}
            body={t(running ? 'details.logs.emptyBody' : 'details.logs.emptyStopped')}
          />
        )}
      </div>
      <footer className="border-line text-faint flex h-7 shrink-0 items-center gap-3 border-t px-4 text-sm">
        <span>{t('details.logs.lines', { count: lines.length })}</span>
        {buffer.dropped > 0 && <span>{t('details.logs.dropped', { count: buffer.dropped })}</span>}
        <span className="ml-auto">
          {t(
            state === 'ended'
              ? 'details.logs.ended'
              : follow
                ? 'details.logs.following'
                : 'details.logs.paused',
          )}
        </span>
      </footer>
    </div>
  );
}
