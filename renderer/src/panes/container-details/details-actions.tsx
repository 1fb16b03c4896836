import { useNavigate } from '@tanstack/react-router';
import {
  CirclePause,
  CirclePlay,
  Ellipsis,
  PencilLine,
  Play,
  RotateCw,
  Skull,
  Square,
  Trash2,
} from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { canDo } from '../../containers/state-view.ts';
import type { Verb } from '../../containers/state-view.ts';
import { useContainerActions } from '../../containers/use-container-actions.ts';
import { Button } from '../../design/button.tsx';
import { Menu } from '../../design/menu.tsx';
import { RenameDialog } from './rename-dialog.tsx';

export function DetailsActions({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { act, busy } = useContainerActions();
  const [renaming, setRenaming] = useState(false);
  const working = busy.has(container.id);
  const run = (verb: Verb) => {
    void act(verb, [container]).then((done) => {
      if (verb === 'remove' && done.length > 0) void navigate({ to: '/containers' });
    });
  };
  const item = (verb: Verb, icon: typeof Play, danger = false) => ({
    label: t(`containers.${verb}`),
    icon,
    danger,
    disabled: !canDo(verb, container.state),
    run: () => run(verb),
  });
  const startable = canDo('start', container.state);
  return (
    <div className="flex shrink-0 items-center gap-2">
      {startable ? (
        <Button variant="primary" icon={Play} busy={working} onClick={() => run('start')}>
          {t('containers.start')}
        </Button>
      ) : (
        <Button
          icon={Square}
          busy={working}
          disabled={!canDo('stop', container.state)}
          onClick={() => run('stop')}
        >
          {t('containers.stop')}
        </Button>
      )}
      <Button
        icon={RotateCw}
        disabled={working || !canDo('restart', container.state) || startable}
        onClick={() => run('restart')}
        className="max-[900px]:hidden"
      >
        {t('containers.restart')}
      </Button>
      <Menu
        trigger={
          <Button
            icon={Ellipsis}
            aria-label={t('common.actionsFor', { name: container.name })}
            className="px-2"
          />
        }
        items={[
          item('restart', RotateCw),
          container.state === 'paused' ? item('unpause', CirclePlay) : item('pause', CirclePause),
          item('kill', Skull),
          'separator',
          { label: t('containers.rename'), icon: PencilLine, run: () => setRenaming(true) },
          'separator',
          item('remove', Trash2, true),
        ]}
      />
      {renaming && <RenameDialog container={container} onClose={() => setRenaming(false)} />}
    </div>
  );
}
