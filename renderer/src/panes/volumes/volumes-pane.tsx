import { useNavigate } from '@tanstack/react-router';
import { HardDrive, Plus } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { Button } from '../../design/button.tsx';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../engine-objects/list-body.tsx';
import { useNow } from '../../format/use-now.ts';
import { CreateVolumeDialog } from './create-volume-dialog.tsx';
import { PruneVolumesDialog } from './prune-volumes-dialog.tsx';
import { useRemoveVolume } from './use-volume-actions.ts';
import { useVolumes } from './use-volumes.ts';
import { volumeColumns } from './volume-columns.tsx';

const none: VolumeSummary[] = [];

export function VolumesPane() {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const navigate = useNavigate();
  const query = useVolumes();
  const all = query.data ?? none;
  const [filter, setFilter] = useState('');
  const [dialog, setDialog] = useState<'create' | 'prune'>();
  const remove = useRemoveVolume();
  const rows = useMemo(
    () =>
      filterByText(all, filter, ({ name, usedBy }) => [name, ...usedBy.map((user) => user.name)].join(' ')),
    [all, filter],
  );
  const columns = useMemo(
    () => volumeColumns({ t, language: i18n.language, now, onRemove: (volume) => void remove(volume) }),
    [t, i18n.language, now, remove],
  );
  const createButton = (
    <Button variant="primary" icon={Plus} onClick={() => setDialog('create')}>
      {t('volumes.create')}
    </Button>
  );

  return (
    <Page
      title={t('volumes.title')}
      actions={
        <>
          <Button disabled={all.length === 0} onClick={() => setDialog('prune')}>
            {t('common.prune')}
          </Button>
          {all.length > 0 && createButton}
        </>
      }
      toolbar={<FilterInput label={t('volumes.filter')} value={filter} onChange={setFilter} />}
    >
      <ListBody query={query}>
        <DataTable
          id="volumes"
          label={t('volumes.title')}
          rows={rows}
          columns={columns}
          rowId={(volume) => volume.name}
          rowName={(volume) => volume.name}
          initialSort={{ id: 'name', desc: false }}
          onOpen={({ name }) => void navigate({ to: '/volumes/$name', params: { name } })}
          onRowKey={(volume, key) => {
            if (key !== 'Delete') return false;
            void remove(volume);
            return true;
          }}
          empty={
            <NoRows
              filter={filter}
              onClear={() => setFilter('')}
              icon={HardDrive}
              title={t('volumes.emptyTitle')}
              body={t('volumes.emptyBody')}
            >
              {createButton}
            </NoRows>
          }
        />
      </ListBody>
      {dialog === 'create' && <CreateVolumeDialog onClose={() => setDialog(undefined)} />}
      {dialog === 'prune' && <PruneVolumesDialog volumes={all} onClose={() => setDialog(undefined)} />}
    </Page>
  );
}
