import { memo } from 'react';
import { cx } from '../design/class-names.ts';
import { formatLogTime } from '../format/time.ts';
import { toCss } from './ansi-style.ts';
import { parseAnsi } from './ansi.ts';
import type { LogLine } from './log-buffer.ts';
import { markSegments } from './log-search.ts';

export type TimestampMode = 'off' | 'local' | 'utc';

/** One line, as text: log content is never interpreted as markup. */
export const LogLineView = memo(function LogLineView({
  line,
  wrap,
  timestamps,
  search,
  current,
}: {
  line: LogLine;
  wrap: boolean;
  timestamps: TimestampMode;
  search: string;
  current: boolean;
}) {
  const segments = markSegments(parseAnsi(line.text), search);
  return (
    <div className={cx('hover:bg-hover flex min-h-5 px-4', current && 'bg-accent-soft')}>
      <span
        aria-label={line.stream}
        title={line.stream}
        className={cx(
          'mt-[3px] mr-2.5 h-3.5 w-[3px] shrink-0 rounded-full',
          line.stream === 'stderr' ? 'bg-bad opacity-80' : 'bg-line',
        )}
      />
      {timestamps !== 'off' && (
        <time
          dateTime={line.timestamp}
          title={line.timestamp}
          className="text-faint mr-3 shrink-0 select-none"
        >
          {formatLogTime(line.timestamp, timestamps === 'utc')}
        </time>
      )}
      <span
        className={
          wrap ? 'min-w-0 break-words whitespace-pre-wrap [overflow-wrap:anywhere]' : 'whitespace-pre'
        }
      >
        {segments.map((segment, index) =>
          segment.marked ? (
            <mark key={index} className="rounded-[2px] bg-[#ffd54a] text-[#1b1500]">
              {segment.text}
            </mark>
          ) : (
            <span key={index} style={toCss(segment.style)}>
              {segment.text}
            </span>
          ),
        )}
      </span>
    </div>
  );
});
