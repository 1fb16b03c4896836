import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { ChevronLeft, HardDrive } from 'lucide-react';
import { Tabs } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { Badge } from '../../design/badge.tsx';
import { Button } from '../../design/button.tsx';
import { TabList, TabPanel } from '../../design/details-tabs.tsx';
import { JsonView } from '../../design/json-view.tsx';
import { EmptyState, ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { FileBrowser } from '../../files/file-browser.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { useVolumes } from './use-volumes.ts';
import { VolumeActions } from './volume-actions.tsx';
import { isAnonymous, titleOf } from './volume-names.ts';
import { VolumeOverview } from './volume-overview.tsx';

const route = getRouteApi('/shell/volumes/$name');
const tabs = [
  ['files', 'volumes.files'],
  ['overview', 'volumes.overview'],
  ['inspect', 'volumes.inspect'],
] as const;

export function VolumeDetailsPane() {
  const { t } = useTranslation();
  const { name } = route.useParams();
  const { tab = 'files' } = route.useSearch();
  const navigate = useNavigate();
  const query = useVolumes();
  const toList = () => void navigate({ to: '/volumes' });

  if (query.isPending) {
    return (
      <div className="px-5 pt-5">
        <SkeletonBlock lines={10} />
      </div>
    );
  }
  if (!query.data) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  const volume = query.data.find((candidate) => candidate.name === name);
  if (!volume) {
    return (
      <EmptyState icon={HardDrive} title={t('volumes.missingTitle')} body={t('volumes.missingBody')}>
        <Button onClick={toList}>{t('volumes.back')}</Button>
      </EmptyState>
    );
  }
  return (
    <Tabs.Root
      // Another volume's browser begins at its root.
      key={name}
      value={tab}
      onValueChange={(next) =>
        void navigate({ to: '/volumes/$name', params: { name }, search: { tab: next }, replace: true })
      }
      className="flex h-full min-h-0 flex-col"
    >
      <header className="flex min-h-13 shrink-0 items-center gap-3 px-5 pt-3 pb-2">
        <Link
          to="/volumes"
          aria-label={t('volumes.back')}
          title={t('volumes.back')}
          className="text-muted hover:bg-hover hover:text-text -ml-2 inline-flex size-7 shrink-0 items-center justify-center rounded-md"
        >
          <ChevronLeft size={17} aria-hidden />
        </Link>
        <div className="flex min-w-0 flex-1 items-baseline gap-3">
          <h1 className="min-w-0 truncate text-xl font-semibold tracking-[-0.01em]" title={name}>
            {titleOf(volume)}
          </h1>
          {isAnonymous(volume) && <Badge>{t('volumes.anonymous')}</Badge>}
          {volume.sizeBytes !== undefined && (
            <span className="text-faint shrink-0">{formatBytes(volume.sizeBytes)}</span>
          )}
        </div>
        <VolumeActions volume={volume} onRemoved={toList} />
      </header>
      <TabList label={t('volumes.tabs')} tabs={tabs.map(([value, text]) => [value, t(text)] as const)} />
      <TabPanel value="files">
        <FileBrowser of={{ kind: 'volume', id: name }} />
      </TabPanel>
      <TabPanel value="overview" scroll>
        <VolumeOverview volume={volume} />
      </TabPanel>
      <TabPanel value="inspect">
        <InspectTab name={name} />
      </TabPanel>
    </Tabs.Root>
  );
}

function InspectTab({ name }: { name: string }) {
  const { t } = useTranslation();
  const query = useQuery(queries.volumes.inspect.queryOptions({ input: { name } }));
  if (query.isPending) return <SkeletonBlock />;
  if (query.isError && query.data === undefined) return <ErrorState error={query.error} />;
  return <JsonView value={query.data} label={t('details.json.label')} />;
}
