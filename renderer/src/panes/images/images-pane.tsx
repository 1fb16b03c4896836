import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Disc3 } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ImageSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { openRunDialog } from '../../containers/run-dialog-store.ts';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../engine-objects/list-body.tsx';
import { PruneButton } from '../../engine-objects/prune-button.tsx';
import { useTask } from '../../engine-objects/use-task.ts';
import { useNow } from '../../format/use-now.ts';
import { imageColumns } from './image-columns.tsx';
import { ImageDrawer } from './image-drawer.tsx';
import { toImageRow } from './image-rows.ts';
import type { ImageRow } from './image-rows.ts';
import { LoadButton } from './load-button.tsx';
import { useImages } from './use-images.ts';

const none: ImageSummary[] = [];
const route = getRouteApi('/shell/images');

export function ImagesPane() {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const { image: opened } = route.useSearch();
  const now = useNow();
  const query = useImages();
  const all = query.data ?? none;
  const [filter, setFilter] = useState('');
  const { perform } = useTask();
  const rows = useMemo(
    () => filterByText(all, filter, (image) => `${image.tags.join(' ')} ${image.id}`).map(toImageRow),
    [all, filter],
  );
  const dangling = all.filter((image) => image.tags.length === 0 && image.containers <= 0);
  const open = (id: string | undefined) => void navigate({ to: '/images', search: id ? { image: id } : {} });

  const remove = useCallback(
    (row: ImageRow) =>
      perform({
        question: {
          title: t('images.removeTitle', { name: row.reference }),
          body: t('images.removeBody'),
          losses: row.otherTags.map((name) => t('images.removeTag', { name })),
          action: t('common.remove'),
          option: { label: t('images.removeForce'), initial: false },
        },
        work: async (force) => {
          // Docker removes by reference: each tag goes on its own, the layers with the last one.
          for (const reference of row.name ? row.image.tags : [row.image.id]) {
            await api.images.remove({ id: reference, force });
          }
        },
        done: t('images.removed', { name: row.reference }),
        failed: t('images.removeFailed', { name: row.reference }),
      }),
    [perform, t],
  );
  const columns = useMemo(
    () => imageColumns({ t, language: i18n.language, now, onRemove: (row) => void remove(row) }),
    [t, i18n.language, now, remove],
  );

  return (
    <Page
      title={t('images.title')}
      actions={
        <>
          <PruneButton
            label={t('common.prune')}
            title={t('images.pruneTitle')}
            body={t('images.pruneBody')}
            losses={dangling.map((image) => toImageRow(image).reference)}
            work={() => api.images.prune()}
          />
          <LoadButton />
        </>
      }
      toolbar={<FilterInput label={t('images.filter')} value={filter} onChange={setFilter} />}
    >
      <ListBody query={query}>
        <DataTable
          id="images"
          label={t('images.title')}
          rows={rows}
          columns={columns}
          rowId={(row) => row.image.id}
          rowName={(row) => row.reference}
          initialSort={{ id: 'name', desc: false }}
          onOpen={(row) => open(row.image.id)}
          onRowKey={(row, key) => {
            if (key === 'Delete') void remove(row);
            else if (key === 'r') openRunDialog(row.reference);
            else return false;
            return true;
          }}
          empty={
            <NoRows
              filter={filter}
              onClear={() => setFilter('')}
              icon={Disc3}
              title={t('images.emptyTitle')}
              body={t('images.emptyBody')}
            />
          }
        />
      </ListBody>
      {opened && <ImageDrawer id={opened} onClose={() => open(undefined)} />}
    </Page>
  );
}
