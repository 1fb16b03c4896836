import { ChevronDown, ChevronUp } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from './button.tsx';
import { cx } from './class-names.ts';
import { CopyButton } from './copy-button.tsx';
import { toJsonLines } from './json-lines.ts';
import type { JsonLine } from './json-lines.ts';

const colors: Record<JsonLine['kind'], string> = {
  string: 'text-[var(--syntax-string)]',
  number: 'text-[var(--syntax-number)]',
  keyword: 'text-[var(--syntax-number)]',
  bracket: 'text-muted',
};

/** JSON with colours, search and copy. */
export function JsonView({ value, label }: { value: unknown; label: string }) {
  const { t } = useTranslation();
  const lines = useMemo(() => toJsonLines(value), [value]);
  const [search, setSearch] = useState('');
  const [at, setAt] = useState(0);
  const body = useRef<HTMLPreElement>(null);
  const matches = useMemo(() => {
    const wanted = search.toLowerCase();
    if (!wanted) return [];
    return lines.flatMap((line, index) =>
      `${line.key ?? ''}: ${line.text}`.toLowerCase().includes(wanted) ? [index] : [],
    );
  }, [lines, search]);
  const current = matches[at % Math.max(1, matches.length)];
  const step = (by: number) =>
    setAt((before) => (before + by + matches.length) % Math.max(1, matches.length));
  useEffect(() => {
    if (current !== undefined) body.current?.children[current]?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  return (
    <div className="flex h-full min-h-0 flex-col">
      <div className="flex shrink-0 items-center gap-1 px-5 py-2">
        <input
          type="search"
          aria-label={t('details.json.search')}
          placeholder={t('details.json.search')}
          value={search}
          spellCheck={false}
          onChange={(event) => {
            setSearch(event.target.value);
            setAt(0);
          }}
          onKeyDown={(event) => event.key === 'Enter' && step(event.shiftKey ? -1 : 1)}
          className="bg-hover placeholder:text-faint h-7.5 max-w-80 min-w-0 flex-1 rounded-md px-2.5"
        />
        {search && (
          <span role="status" className="text-faint px-1 text-sm">
            {matches.length === 0
              ? t('common.nothingFound')
              : `${(at % matches.length) + 1}/${matches.length}`}
          </span>
        )}
        <IconButton
          label={t('details.logs.previous')}
          icon={ChevronUp}
          disabled={matches.length === 0}
          onClick={() => step(-1)}
        />
        <IconButton
          label={t('details.logs.next')}
          icon={ChevronDown}
          disabled={matches.length === 0}
          onClick={() => step(1)}
        />
        <span className="ml-auto">
          <CopyButton text={JSON.stringify(value, null, 2)} />
        </span>
      </div>
      <pre
        ref={body}
        aria-label={label}
        tabIndex={0}
        className="bg-sidebar border-line min-h-0 flex-1 overflow-auto border-t py-2 text-sm leading-5 focus-visible:-outline-offset-2"
      >
        {lines.map((line, index) => (
          <div
            key={index}
            className={cx(
              'px-5',
              matches.includes(index) && 'bg-warn-soft',
              current === index && 'bg-accent-soft',
            )}
            style={{ paddingLeft: `${1.25 + line.indent * 1.1}rem` }}
          >
            {line.key !== undefined && (
              <>
                <span className="text-[var(--syntax-key)]">{JSON.stringify(line.key)}</span>
                <span className="text-muted">: </span>
              </>
            )}
            <span className={cx(colors[line.kind], 'break-all whitespace-pre-wrap')}>{line.text}</span>
          </div>
        ))}
      </pre>
    </div>
  );
}
