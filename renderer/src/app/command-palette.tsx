import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { Disc3, Keyboard, Monitor, Moon, Play, ScrollText, SquareTerminal, Sun } from 'lucide-react';
import type { LucideIcon } from 'lucide-react';
import { Dialog } from 'radix-ui';
import { useState } from 'react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/client.ts';
import { openRunDialog } from '../containers/run-dialog-store.ts';
import { stateTone } from '../containers/state-view.ts';
import { useContainers } from '../containers/use-containers.ts';
import { StatusDot } from '../design/badge.tsx';
import { Kbd } from '../design/kbd.tsx';
import { panes } from './navigation.ts';
import { changeSettings } from './settings.ts';

interface PaletteProps {
  open: boolean;
  onClose: () => void;
  onHelp: () => void;
}

/** Ctrl-K: every pane, command, container and image; objects only once something is typed. */
export function CommandPalette(props: PaletteProps) {
  const { t } = useTranslation();
  return (
    <Dialog.Root open={props.open} onOpenChange={(open) => !open && props.onClose()}>
      <Dialog.Portal>
        <Dialog.Overlay className="animate-overlay bg-scrim fixed inset-0 z-50" />
        <Dialog.Content
          aria-describedby={undefined}
          className="animate-dialog bg-raised shadow-overlay fixed inset-x-4 top-[14vh] z-50 mx-auto max-w-140 overflow-hidden rounded-xl"
        >
          <Dialog.Title className="sr-only">{t('shell.palette')}</Dialog.Title>
          <PaletteBody {...props} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

const itemsShown = 8;

function PaletteBody({ onClose, onHelp }: PaletteProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const containers = useContainers();
  const images = useQuery(queries.images.list.queryOptions());
  const wanted = text.trim().toLowerCase();
  const run = (action: () => void) => () => {
    onClose();
    action();
  };
  const matching = (containers.data ?? [])
    .filter((container) => `${container.name} ${container.image}`.toLowerCase().includes(wanted))
    .slice(0, itemsShown);
  const matchingImages = (images.data ?? [])
    .flatMap((image) => image.tags)
    .filter((tag) => tag.toLowerCase().includes(wanted))
    .slice(0, itemsShown);
  return (
    <Command label={t('shell.palette')} loop>
      <Command.Input
        autoFocus
        value={text}
        onValueChange={setText}
        placeholder={t('shell.paletteHint')}
        className="border-line placeholder:text-faint h-12 w-full border-b bg-transparent px-4 text-lg outline-none"
      />
      <Command.List className="max-h-[min(24rem,60vh)] overflow-y-auto p-1.5">
        <Command.Empty className="text-muted px-3 py-8 text-center">{t('shell.paletteEmpty')}</Command.Empty>
        {wanted && (
          <Group heading={t('shell.containers')}>
            {matching.flatMap((container) => [
              <Item
                key={container.id}
                value={`container ${container.name} ${container.image}`}
                lead={<StatusDot tone={stateTone(container)} />}
                detail={container.image}
                onSelect={run(() => void navigate({ to: '/containers/$id', params: { id: container.id } }))}
              >
                {container.name}
              </Item>,
              ...(matching.length <= 2
                ? [
                    <Item
                      key={`${container.id} logs`}
                      value={`logs ${container.name} ${container.image}`}
                      icon={ScrollText}
                      onSelect={run(
                        () =>
                          void navigate({
                            to: '/containers/$id',
                            params: { id: container.id },
                            search: { tab: 'logs' },
                          }),
                      )}
                    >
                      {t('shell.openLogs', { name: container.name })}
                    </Item>,
                    <Item
                      key={`${container.id} terminal`}
                      value={`terminal ${container.name} ${container.image}`}
                      icon={SquareTerminal}
                      onSelect={run(
                        () =>
                          void navigate({
                            to: '/containers/$id',
                            params: { id: container.id },
                            search: { tab: 'terminal' },
                          }),
                      )}
                    >
                      {t('shell.openTerminal', { name: container.name })}
                    </Item>,
                  ]
                : []),
            ])}
          </Group>
        )}
        {wanted && (
          <Group heading={t('shell.images')}>
            {matchingImages.map((tag) => (
              <Item
                key={tag}
                value={`image ${tag}`}
                icon={Disc3}
                detail={t('containers.run')}
                onSelect={run(() => openRunDialog(tag))}
              >
                {tag}
              </Item>
            ))}
          </Group>
        )}
        <Group heading={t('shell.goTo')}>
          {panes.map(({ pane, to, icon, keys }) => (
            <Item
              key={pane}
              value={`go ${pane} ${t(`shell.${pane}`)}`}
              icon={icon}
              keys={keys}
              onSelect={run(() => void navigate({ to }))}
            >
              {t(`shell.${pane}`)}
            </Item>
          ))}
        </Group>
        <Group heading={t('shell.commands')}>
          <Item value="run container 실행" icon={Play} keys="c" onSelect={run(() => openRunDialog())}>
            {t('shell.runContainer')}
          </Item>
          <Item value="theme light" icon={Sun} onSelect={run(() => void changeSettings({ theme: 'light' }))}>
            {t('shell.themeLight')}
          </Item>
          <Item value="theme dark" icon={Moon} onSelect={run(() => void changeSettings({ theme: 'dark' }))}>
            {t('shell.themeDark')}
          </Item>
          <Item
            value="theme system"
            icon={Monitor}
            onSelect={run(() => void changeSettings({ theme: 'system' }))}
          >
            {t('shell.themeSystem')}
          </Item>
          <Item value="language english" onSelect={run(() => void changeSettings({ language: 'en' }))}>
            English
          </Item>
          <Item value="language korean 한국어" onSelect={run(() => void changeSettings({ language: 'ko' }))}>
            한국어
          </Item>
          <Item value="keyboard shortcuts" icon={Keyboard} keys="?" onSelect={run(onHelp)}>
            {t('shell.shortcuts')}
          </Item>
        </Group>
      </Command.List>
    </Command>
  );
}

function Group({ heading, children }: { heading: string; children: ReactNode }) {
  return (
    <Command.Group
      heading={heading}
      className="[&_[cmdk-group-heading]]:text-faint [&_[cmdk-group-heading]]:px-2.5 [&_[cmdk-group-heading]]:py-1.5 [&_[cmdk-group-heading]]:text-sm"
    >
      {children}
    </Command.Group>
  );
}

function Item({
  value,
  icon: Icon,
  lead,
  detail,
  keys,
  onSelect,
  children,
}: {
  value: string;
  icon?: LucideIcon;
  lead?: ReactNode;
  detail?: string;
  keys?: string;
  onSelect: () => void;
  children: ReactNode;
}) {
  return (
    <Command.Item
      value={value}
      onSelect={onSelect}
      className="data-[selected=true]:bg-hover flex h-8.5 items-center gap-2.5 rounded-md px-2.5"
    >
      <span className="text-muted flex w-4 shrink-0 justify-center">
        {lead ?? (Icon && <Icon size={15} aria-hidden />)}
      </span>
      <span className="min-w-0 flex-1 truncate">{children}</span>
      {detail && <span className="text-faint max-w-48 truncate text-sm">{detail}</span>}
      {keys && <Kbd keys={keys} />}
    </Command.Item>
  );
}
