import { useQuery } from '@tanstack/react-query';
import { HardDrive, Plus } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { Button } from '../../design/button.tsx';
import { Facts } from '../../design/card.tsx';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../engine-objects/list-body.tsx';
import { RawDrawer } from '../../engine-objects/raw-drawer.tsx';
import { PruneButton } from '../../engine-objects/prune-button.tsx';
import { useTask } from '../../engine-objects/use-task.ts';
import { formatBytes } from '../../format/bytes.ts';
import { shortId } from '../../format/ids.ts';
import { useNow } from '../../format/use-now.ts';
import { CreateVolumeDialog } from './create-volume-dialog.tsx';
import { useVolumes } from './use-volumes.ts';
import { volumeColumns } from './volume-columns.tsx';
import { isAnonymous, isPrunable } from './volume-names.ts';

const none: VolumeSummary[] = [];

export function VolumesPane() {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const query = useVolumes();
  const all = query.data ?? none;
  const [filter, setFilter] = useState('');
  const [creating, setCreating] = useState(false);
  const [opened, setOpened] = useState<string>();
  const { perform } = useTask();
  const rows = useMemo(
    () => filterByText(all, filter, (volume) => `${volume.name} ${volume.usedBy.join(' ')}`),
    [all, filter],
  );
  const prunable = all.filter(isPrunable);

  const remove = useCallback(
    (volume: VolumeSummary) => {
      const name = isAnonymous(volume) ? shortId(volume.name) : volume.name;
      const losses =
        volume.sizeBytes === undefined
          ? []
          : [t('volumes.removeLoss', { name, size: formatBytes(volume.sizeBytes) })];
      return perform({
        question: {
          title: t('volumes.removeTitle', { name }),
          body: t('volumes.removeBody'),
          losses,
          action: t('common.remove'),
        },
        work: () => api.volumes.remove({ name: volume.name, force: false }),
        done: t('volumes.removed', { name }),
        failed: t('volumes.removeFailed', { name }),
      });
    },
    [perform, t],
  );
  const columns = useMemo(
    () => volumeColumns({ t, language: i18n.language, now, onRemove: (volume) => void remove(volume) }),
    [t, i18n.language, now, remove],
  );
  const openedVolume = all.find((volume) => volume.name === opened);

  return (
    <Page
      title={t('volumes.title')}
      actions={
        <>
          <PruneButton
            label={t('common.prune')}
            title={t('volumes.pruneTitle')}
            body={t('volumes.pruneBody')}
            losses={prunable.map((volume) =>
              t('volumes.removeLoss', {
                name: shortId(volume.name),
                size: formatBytes(volume.sizeBytes ?? 0),
              }),
            )}
            work={() => api.volumes.prune()}
          />
          {all.length > 0 && (
            <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
              {t('volumes.create')}
            </Button>
          )}
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
          onOpen={(volume) => setOpened(volume.name)}
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
              <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
                {t('volumes.create')}
              </Button>
            </NoRows>
          }
        />
      </ListBody>
      {creating && <CreateVolumeDialog onClose={() => setCreating(false)} />}
      {openedVolume && <VolumeDrawer volume={openedVolume} onClose={() => setOpened(undefined)} />}
    </Page>
  );
}

function VolumeDrawer({ volume, onClose }: { volume: VolumeSummary; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useQuery(queries.volumes.inspect.queryOptions({ input: { name: volume.name } }));
  return (
    <RawDrawer title={volume.name} query={query} onClose={onClose}>
      <Facts
        facts={[
          [t('common.usedBy'), volume.usedBy.join(', ') || t('common.unused')],
          [t('common.size'), volume.sizeBytes === undefined ? undefined : formatBytes(volume.sizeBytes)],
          [t('volumes.mountpoint'), volume.mountpoint],
        ]}
      />
    </RawDrawer>
  );
}
