import { useNavigate } from '@tanstack/react-router';
import {
  CirclePause,
  CirclePlay,
  Ellipsis,
  Play,
  RotateCw,
  ScrollText,
  Skull,
  Square,
  SquareTerminal,
  Trash2,
} from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { canDo } from '../../containers/state-view.ts';
import type { Verb } from '../../containers/state-view.ts';
import { IconButton } from '../../design/button.tsx';
import { Menu } from '../../design/menu.tsx';
import type { MenuAction } from '../../design/menu.tsx';

export function RowActions({
  container,
  busy,
  act,
}: {
  container: ContainerSummary;
  busy: boolean;
  act: (verb: Verb, targets: ContainerSummary[]) => void;
}) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const primary: Verb = canDo('start', container.state) ? 'start' : 'stop';
  const can = (verb: Verb) => !busy && canDo(verb, container.state);
  const item = (verb: Verb, icon: MenuAction['icon'], extra: Partial<MenuAction> = {}): MenuAction => ({
    label: t(`containers.${verb}`),
    icon,
    disabled: !can(verb),
    run: () => act(verb, [container]),
    ...extra,
  });
  const open = (tab: string) => () =>
    void navigate({ to: '/containers/$id', params: { id: container.id }, search: { tab } });
  const named = (verb: Verb) =>
    t('containers.named', { action: t(`containers.${verb}`), name: container.name });
  return (
    <span className="flex items-center justify-end gap-0.5">
      <IconButton
        label={named(primary)}
        hint={t(`containers.${primary}`)}
        shortcut="s"
        icon={primary === 'start' ? Play : Square}
        disabled={!can(primary)}
        onClick={() => act(primary, [container])}
      />
      <IconButton
        label={named('remove')}
        hint={t('containers.remove')}
        shortcut="Delete"
        icon={Trash2}
        danger
        disabled={!can('remove')}
        onClick={() => act('remove', [container])}
      />
      <Menu
        trigger={
          <button
            type="button"
            aria-label={t('common.actionsFor', { name: container.name })}
            className="text-muted hover:text-text hover:bg-hover inline-flex size-7 items-center justify-center rounded-md"
          >
            <Ellipsis size={15} aria-hidden />
          </button>
        }
        items={[
          { label: t('containers.logs'), icon: ScrollText, shortcut: 'l', run: open('logs') },
          {
            label: t('containers.terminal'),
            icon: SquareTerminal,
            shortcut: 't',
            disabled: container.state !== 'running',
            run: open('terminal'),
          },
          'separator',
          item('start', Play),
          item('stop', Square),
          item('restart', RotateCw, { shortcut: 'r' }),
          container.state === 'paused' ? item('unpause', CirclePlay) : item('pause', CirclePause),
          item('kill', Skull),
          'separator',
          item('remove', Trash2, { danger: true, shortcut: 'Delete' }),
        ]}
      />
    </span>
  );
}
