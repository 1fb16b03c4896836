import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { Disc3 } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ImageSummary } from '../../../../electron/api/types.ts';
import { useStore } from '../../api/store.ts';
import { openRunDialog } from '../../containers/run-dialog-store.ts';
import { Button } from '../../design/button.tsx';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../engine-objects/list-body.tsx';
import { useNow } from '../../format/use-now.ts';
import { freshness } from './freshness.ts';
import { imageColumns } from './image-columns.tsx';
import { ImageDrawer } from './image-drawer.tsx';
import { toImageRow } from './image-rows.ts';
import type { ImageRow } from './image-rows.ts';
import { ImagesHeader } from './images-header.tsx';
import { PullDialog } from './pull-dialog.tsx';
import { RegistriesView } from './registries-view.tsx';
import { TagDialog } from './tag-dialog.tsx';
import { TransfersPanel } from './transfers-panel.tsx';
import { startPull } from './transfers.ts';
import { useImageActions } from './use-image-actions.ts';
import { useImages } from './use-images.ts';

const none: ImageSummary[] = [];
const route = getRouteApi('/shell/images');
const pull = (name: string) => startPull(name, undefined);

export function ImagesPane() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { view = 'images' } = route.useSearch();
  const [filter, setFilter] = useState('');
  const query = useImages();
  const all = query.data ?? none;
  return (
    <Page
      title={t('images.title')}
      actions={<ImagesHeader tags={all.flatMap(({ tags }) => tags)} />}
      toolbar={
        <>
          <Segmented
            label={t('images.title')}
            options={[
              { value: 'images', label: t('images.title'), count: query.data?.length },
              { value: 'registries', label: t('images.registries') },
            ]}
            value={view}
            onChange={(next) =>
              void navigate({ to: '/images', search: next === 'registries' ? { view: next } : {} })
            }
          />
          {view === 'images' && (
            <FilterInput label={t('images.filter')} value={filter} onChange={setFilter} />
          )}
        </>
      }
    >
      <div className="flex h-full min-h-0 flex-col">
        <TransfersPanel />
        <div className="min-h-0 flex-1">
          {view === 'registries' ? (
            <RegistriesView />
          ) : (
            <ImageList query={query} all={all} filter={filter} setFilter={setFilter} />
          )}
        </div>
      </div>
    </Page>
  );
}

interface ImageListProps {
  query: ReturnType<typeof useImages>;
  all: ImageSummary[];
  filter: string;
  setFilter: (filter: string) => void;
}

function ImageList({ query, all, filter, setFilter }: ImageListProps) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const { image: opened, tab = 'details' } = route.useSearch();
  const now = useNow();
  const known = useStore(freshness);
  const [tagging, setTagging] = useState<ImageRow>();
  const [pulling, setPulling] = useState(false);
  const rows = useMemo(
    () => filterByText(all, filter, (image) => `${image.tags.join(' ')} ${image.id}`).map(toImageRow),
    [all, filter],
  );
  const open = useCallback(
    (image: string | undefined, tab: 'details' | 'layers' = 'details') =>
      void navigate({
        to: '/images',
        search: image === undefined ? {} : { image, ...(tab === 'layers' && { tab }) },
      }),
    [navigate],
  );
  const actions = useImageActions({
    onTag: setTagging,
    onExplore: useCallback((row: ImageRow) => open(row.image.id, 'layers'), [open]),
  });
  const newer = useMemo(
    () => new Set([...known].flatMap(([name, state]) => (state === 'newer' ? [name] : []))),
    [known],
  );
  const columns = useMemo(
    () => imageColumns({ t, language: i18n.language, now, newer, onPull: pull, actions }),
    [t, i18n.language, now, newer, actions],
  );
  return (
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
          if (key === 'Delete') actions.remove(row);
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
          >
            <Button variant="primary" onClick={() => setPulling(true)}>
              {t('images.pull')}
            </Button>
          </NoRows>
        }
      />
      {opened !== undefined && (
        <ImageDrawer
          id={opened}
          tab={tab}
          onTab={(next) => open(opened, next)}
          onClose={() => open(undefined)}
        />
      )}
      {tagging && (
        <TagDialog id={tagging.image.id} name={tagging.reference} onClose={() => setTagging(undefined)} />
      )}
      {pulling && <PullDialog onClose={() => setPulling(false)} />}
    </ListBody>
  );
}
