import { ChevronDown, ChevronUp } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../design/button.tsx';
import type { TerminalSession } from './terminal-session.ts';

export function TerminalSearch({ session }: { session: TerminalSession }) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  return (
    <span className="flex items-center gap-0.5">
      <input
        type="search"
        aria-label={t('details.terminal.search')}
        placeholder={t('details.terminal.search')}
        value={text}
        spellCheck={false}
        onChange={(event) => {
          setText(event.target.value);
          session.search.findNext(event.target.value, { incremental: true });
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && event.shiftKey) session.search.findPrevious(text);
          else if (event.key === 'Enter') session.search.findNext(text);
          else if (event.key === 'Escape') session.focus();
        }}
        className="bg-hover placeholder:text-faint h-7 w-44 rounded-md px-2.5"
      />
      <IconButton
        label={t('details.logs.previous')}
        icon={ChevronUp}
        disabled={!text}
        onClick={() => session.search.findPrevious(text)}
      />
      <IconButton
        label={t('details.logs.next')}
        icon={ChevronDown}
        disabled={!text}
        onClick={() => session.search.findNext(text)}
      />
    </span>
  );
}
