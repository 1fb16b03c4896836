import { ArchiveRestore, Copy, Download, Ellipsis, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { Button } from '../../design/button.tsx';
import { Menu } from '../../design/menu.tsx';
import { CloneDialog } from './clone-dialog.tsx';
import { RestoreDialog } from './restore-dialog.tsx';
import { useBackup, useRemoveVolume } from './use-volume-actions.ts';
import { titleOf } from './volume-names.ts';

export function VolumeActions({ volume, onRemoved }: { volume: VolumeSummary; onRemoved: () => void }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState<'restore' | 'clone'>();
  const { backup, progress } = useBackup(volume);
  const remove = useRemoveVolume();
  const close = () => setOpened(undefined);
  return (
    <div className="flex shrink-0 items-center gap-2">
      <Button icon={Download} busy={progress !== undefined} onClick={() => void backup()}>
        <span role={progress ? 'status' : undefined}>{progress ?? t('volumes.backup')}</span>
      </Button>
      <Button icon={ArchiveRestore} onClick={() => setOpened('restore')} className="max-[900px]:hidden">
        {t('volumes.restoreAsk')}
      </Button>
      <Menu
        trigger={
          <Button
            icon={Ellipsis}
            aria-label={t('common.actionsFor', { name: titleOf(volume) })}
            className="px-2"
          />
        }
        items={[
          { label: t('volumes.restoreAsk'), icon: ArchiveRestore, run: () => setOpened('restore') },
          { label: t('volumes.cloneAsk'), icon: Copy, run: () => setOpened('clone') },
          'separator',
          {
            label: t('common.remove'),
            icon: Trash2,
            danger: true,
            disabled: volume.usedBy.length > 0,
            run: () => void remove(volume).then((gone) => gone && onRemoved()),
          },
        ]}
      />
      {opened === 'restore' && <RestoreDialog volume={volume} onClose={close} />}
      {opened === 'clone' && <CloneDialog volume={volume} onClose={close} />}
    </div>
  );
}
