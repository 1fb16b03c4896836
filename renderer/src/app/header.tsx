import { Monitor, Moon, Search, Sun } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { engineStore } from '../api/connection.ts';
import { useStore } from '../api/store.ts';
import { transportStore } from '../api/transport.ts';
import { StatusDot } from '../design/badge.tsx';
import type { Tone } from '../design/badge.tsx';
import { IconButton } from '../design/button.tsx';
import { Kbd } from '../design/kbd.tsx';
import { Tip } from '../design/tooltip.tsx';
import { changeSettings, useSettings } from './settings.ts';

export function Header({ onOpenPalette }: { onOpenPalette: () => void }) {
  const { t } = useTranslation();
  return (
    <header className="border-line flex h-12 shrink-0 items-center gap-3 border-b px-5">
      <button
        type="button"
        onClick={onOpenPalette}
        aria-keyshortcuts="Control+K"
        className="text-faint bg-hover hover:bg-pressed flex h-7.5 w-full max-w-80 items-center gap-2 rounded-md px-2.5 text-left transition-colors"
      >
        <Search size={14} aria-hidden />
        <span className="min-w-0 flex-1 truncate">{t('shell.paletteHint')}</span>
        <Kbd keys="Ctrl+K" />
      </button>
      <div className="ml-auto flex items-center gap-1.5">
        <ConnectionChip />
        <ThemeButton />
      </div>
    </header>
  );
}

function ConnectionChip() {
  const { t } = useTranslation();
  const transport = useStore(transportStore);
  const engine = useStore(engineStore);
  let tone: Tone = 'warn';
  let text = t('shell.connecting');
  let detail = text;
  if (transport.state === 'lost' || engine?.state === 'disconnected') {
    tone = 'bad';
    text = t('shell.disconnected');
    detail = engine?.state === 'disconnected' ? engine.message : t('shell.lostTitle');
  } else if (engine?.state === 'connected') {
    tone = 'good';
    text = t('shell.connected');
    detail = t('shell.engineAt', {
      name: engine.engine.name,
      version: engine.engine.version,
      api: engine.engine.apiVersion,
      socket: engine.socket,
    });
  }
  return (
    <Tip text={detail}>
      <span
        role="status"
        tabIndex={0}
        className="text-muted flex h-7 items-center gap-2 rounded-md px-2 whitespace-nowrap"
      >
        <StatusDot tone={tone} />
        {text}
        {engine?.state === 'connected' && transport.state === 'open' && (
          <span className="text-faint hidden min-[1000px]:inline">
            {t('shell.engine', { name: engine.engine.name, version: engine.engine.version })}
          </span>
        )}
      </span>
    </Tip>
  );
}

const themes = { light: Sun, dark: Moon, system: Monitor } as const;
const nextTheme = { light: 'dark', dark: 'system', system: 'light' } as const;
const themeNames = {
  light: 'shell.themeLight',
  dark: 'shell.themeDark',
  system: 'shell.themeSystem',
} as const;

function ThemeButton() {
  const { t } = useTranslation();
  const { theme } = useSettings();
  return (
    <IconButton
      label={t('shell.switchTheme')}
      hint={t(themeNames[theme])}
      icon={themes[theme]}
      onClick={() => void changeSettings({ theme: nextTheme[theme] })}
    />
  );
}
