import {
  ArrowDownToLine,
  ChevronDown,
  ChevronUp,
  Clock,
  Download,
  Eraser,
  ExternalLink,
  ListFilter,
  Pause,
  TextWrap,
} from 'lucide-react';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../design/button.tsx';
import { useShortcut } from '../design/shortcuts.ts';
import { Tip } from '../design/tooltip.tsx';
import type { TimestampMode } from './log-line-view.tsx';

interface LogToolbarProps {
  search: string;
  onSearch: (text: string) => void;
  onlyMatches: boolean;
  onOnlyMatches: (only: boolean) => void;
  matches: number;
  matchAt: number | undefined;
  onStep: (by: number) => void;
  follow: boolean;
  onFollow: (follow: boolean) => void;
  wrap: boolean;
  onWrap: (wrap: boolean) => void;
  timestamps: TimestampMode;
  onTimestamps: (mode: TimestampMode) => void;
  onClear: () => void;
  onDownload: () => void;
  onDetach: (() => void) | undefined;
}

const nextTimestamps = { off: 'local', local: 'utc', utc: 'off' } as const;
const timestampNames = {
  off: 'details.logs.timestampsOff',
  local: 'details.logs.timestampsLocal',
  utc: 'details.logs.timestampsUtc',
} as const;

export function LogToolbar(props: LogToolbarProps) {
  const { t } = useTranslation();
  const input = useRef<HTMLInputElement>(null);
  useShortcut('ctrl+f', () => input.current?.select());
  useShortcut('/', () => input.current?.select());
  return (
    <div
      role="toolbar"
      aria-label={t('details.logs.toolbar')}
      className="flex shrink-0 flex-wrap items-center gap-x-1 gap-y-1.5 px-4 py-2"
    >
      <div className="bg-hover focus-within:outline-accent flex h-7.5 min-w-44 flex-1 items-center rounded-md pr-0.5 focus-within:outline-2 min-[900px]:max-w-90">
        <input
          ref={input}
          type="search"
          aria-label={t('details.logs.search')}
          placeholder={t('details.logs.search')}
          value={props.search}
          spellCheck={false}
          onChange={(event) => props.onSearch(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') props.onStep(event.shiftKey ? -1 : 1);
            if (event.key === 'Escape') props.onSearch('');
          }}
          className="placeholder:text-faint h-full min-w-0 flex-1 bg-transparent px-2.5 outline-none! [&::-webkit-search-cancel-button]:hidden"
        />
        {props.search && (
          <span role="status" className="text-faint px-1.5 text-sm whitespace-nowrap">
            {props.matches === 0
              ? t('common.nothingFound')
              : `${props.matchAt === undefined ? '' : `${props.matchAt + 1}/`}${props.matches}`}
          </span>
        )}
        <IconButton
          label={t('details.logs.previous')}
          shortcut="Shift+Enter"
          icon={ChevronUp}
          disabled={props.matches === 0}
          onClick={() => props.onStep(-1)}
          className="size-6"
        />
        <IconButton
          label={t('details.logs.next')}
          shortcut="Enter"
          icon={ChevronDown}
          disabled={props.matches === 0}
          onClick={() => props.onStep(1)}
          className="size-6"
        />
        <IconButton
          label={t('details.logs.onlyMatches')}
          icon={ListFilter}
          pressed={props.onlyMatches}
          onClick={() => props.onOnlyMatches(!props.onlyMatches)}
          className="size-6"
        />
      </div>
      <div className="ml-auto flex items-center gap-0.5">
        <Button
          size="small"
          icon={props.follow ? Pause : ArrowDownToLine}
          aria-pressed={props.follow}
          onClick={() => props.onFollow(!props.follow)}
          className="mr-1.5"
        >
          {t(props.follow ? 'details.logs.pause' : 'details.logs.follow')}
        </Button>
        <Tip text={t(timestampNames[props.timestamps])}>
          <button
            type="button"
            aria-label={t('details.logs.timestamps')}
            onClick={() => props.onTimestamps(nextTimestamps[props.timestamps])}
            className={`inline-flex h-7 items-center gap-1 rounded-md px-1.5 text-sm ${props.timestamps === 'off' ? 'text-muted hover:bg-hover hover:text-text' : 'bg-accent-soft text-accent'}`}
          >
            <Clock size={15} aria-hidden />
            {props.timestamps === 'utc' && 'UTC'}
          </button>
        </Tip>
        <IconButton
          label={t('details.logs.wrap')}
          icon={TextWrap}
          pressed={props.wrap}
          onClick={() => props.onWrap(!props.wrap)}
        />
        <IconButton label={t('details.logs.clear')} icon={Eraser} onClick={props.onClear} />
        <IconButton label={t('details.logs.download')} icon={Download} onClick={props.onDownload} />
        {props.onDetach && (
          <IconButton label={t('details.logs.detach')} icon={ExternalLink} onClick={props.onDetach} />
        )}
      </div>
    </div>
  );
}
