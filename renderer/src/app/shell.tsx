import { Outlet, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { openRunDialog } from '../containers/run-dialog-store.ts';
import { useShortcut } from '../design/shortcuts.ts';
import { RunDialogHost } from '../panes/run/run-dialog.tsx';
import { CommandPalette } from './command-palette.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import { Header } from './header.tsx';
import { panes } from './navigation.ts';
import { useSettings } from './settings.ts';
import { ShortcutHelp } from './shortcut-help.tsx';
import { Sidebar } from './sidebar.tsx';

export function Shell() {
  const { t } = useTranslation();
  useSettings();
  const [paletteOpen, setPaletteOpen] = useState(false);
  const [helpOpen, setHelpOpen] = useState(false);
  useShortcut('ctrl+k', () => setPaletteOpen((open) => !open));
  useShortcut('?', () => setHelpOpen(true));
  useShortcut('c', () => openRunDialog());
  return (
    <div className="flex h-full">
      <a
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
        className="bg-accent text-on-accent fixed top-2 left-2 z-60 -translate-y-14 rounded-md px-3 py-1.5 focus:translate-y-0"
      >
        {t('shell.skip')}
      </a>
      <Sidebar />
      <div className="flex min-w-0 flex-1 flex-col">
        <Header onOpenPalette={() => setPaletteOpen(true)} />
        <ConnectionBanner />
        <main id="content" tabIndex={-1} className="min-h-0 flex-1 outline-none">
          <Outlet />
        </main>
      </div>
      {panes.map((pane) => (
        <PaneShortcut key={pane.pane} keys={pane.keys} to={pane.to} />
      ))}
      <CommandPalette
        open={paletteOpen}
        onClose={() => setPaletteOpen(false)}
        onHelp={() => setHelpOpen(true)}
      />
      <ShortcutHelp open={helpOpen} onClose={() => setHelpOpen(false)} />
      <RunDialogHost />
    </div>
  );
}

function PaneShortcut({ keys, to }: { keys: string; to: (typeof panes)[number]['to'] }) {
  const navigate = useNavigate();
  useShortcut(keys, () => void navigate({ to }));
  return null;
}
