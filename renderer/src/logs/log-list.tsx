import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { LogLine } from './log-buffer.ts';
import { LogLineView } from './log-line-view.tsx';
import type { TimestampMode } from './log-line-view.tsx';

const lineHeight = 20;

interface LogListProps {
  lines: readonly LogLine[];
  wrap: boolean;
  timestamps: TimestampMode;
  search: string;
  /** Index of the match that is looked at. */
  current: number | undefined;
  follow: boolean;
  onFollowChange: (follow: boolean) => void;
}

/** Draws only what is on screen. Scrolling up stops following, reaching the end starts it again. */
export function LogList({ lines, wrap, timestamps, search, current, follow, onFollowChange }: LogListProps) {
  const { t } = useTranslation();
  const scroller = useRef<HTMLDivElement>(null);
  // The virtualizer is a mutable object by design; the React Compiler is not in use.
  // oxlint-disable-next-line react/incompatible-library
  const virtualizer = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => lineHeight,
    getItemKey: (index) => lines[index]?.key ?? index,
    overscan: 12,
  });

  useEffect(() => {
    if (follow && lines.length > 0) virtualizer.scrollToIndex(lines.length - 1, { align: 'end' });
  }, [follow, lines, wrap, timestamps, virtualizer]);

  useEffect(() => {
    if (current !== undefined) virtualizer.scrollToIndex(current, { align: 'center' });
  }, [current, virtualizer]);

  const onScroll = () => {
    const element = scroller.current;
    if (!element || follow) return;
    if (element.scrollHeight - element.scrollTop - element.clientHeight < lineHeight) onFollowChange(true);
  };

  return (
    <div
      ref={scroller}
      role="log"
      aria-label={t('details.logs.label')}
      aria-live="off"
      tabIndex={0}
      data-selectable
      onScroll={onScroll}
      onWheel={(event) => event.deltaY < 0 && onFollowChange(false)}
      onKeyDown={(event) => {
        if (['ArrowUp', 'PageUp', 'Home'].includes(event.key)) onFollowChange(false);
        if (event.key === 'End') onFollowChange(true);
      }}
      className="h-full overflow-auto py-1 font-mono text-sm leading-5 focus-visible:-outline-offset-2"
    >
      <div className="relative min-w-full" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <div
              key={item.key}
              ref={wrap ? virtualizer.measureElement : undefined}
              data-index={item.index}
              className={wrap ? 'absolute inset-x-0 top-0' : 'absolute top-0 left-0 min-w-full'}
              style={{ transform: `translateY(${item.start}px)` }}
            >
              <LogLineView
                line={line}
                wrap={wrap}
                timestamps={timestamps}
                search={search}
                current={current === item.index}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}
