import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { Box, ChevronLeft } from 'lucide-react';
import { Tabs } from 'radix-ui';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { toFailure } from '../../api/failure.ts';
import { StateLabel } from '../../containers/state-label.tsx';
import { Button } from '../../design/button.tsx';
import { TabList, TabPanel } from '../../design/details-tabs.tsx';
import { JsonView } from '../../design/json-view.tsx';
import { EmptyState, ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { FileBrowser } from '../../files/file-browser.tsx';
import { imageName } from '../../format/ids.ts';
import { LogViewer } from '../../logs/log-viewer.tsx';
import { DetailsActions } from './details-actions.tsx';
import { openLogWindow } from './open-log-window.ts';
import { OverviewTab } from './overview-tab.tsx';
import { StatsTab } from './stats-tab.tsx';
import { TerminalTab } from './terminal-tab.tsx';
import { useContainer } from './use-container.ts';

const route = getRouteApi('/shell/containers/$id');
const tabs = [
  ['overview', 'details.overview'],
  ['logs', 'details.logsTab'],
  ['terminal', 'details.terminalTab'],
  ['stats', 'details.stats'],
  ['files', 'details.files'],
  ['inspect', 'details.inspect'],
] as const;

export function ContainerDetailsPane() {
  const { t } = useTranslation();
  const { id } = route.useParams();
  const { tab = 'overview' } = route.useSearch();
  const navigate = useNavigate();
  const query = useContainer(id);

  if (query.isPending) {
    return (
      <div className="px-5 pt-5">
        <SkeletonBlock lines={10} />
      </div>
    );
  }
  if (query.isError && toFailure(query.error).code === 'NOT_FOUND') return <Missing />;
  if (!query.data) return <ErrorState error={query.error} retry={() => void query.refetch()} />;

  const container = query.data;
  return (
    <Tabs.Root
      value={tab}
      onValueChange={(next) =>
        void navigate({ to: '/containers/$id', params: { id }, search: { tab: next }, replace: true })
      }
      className="flex h-full min-h-0 flex-col"
    >
      <header className="flex min-h-13 shrink-0 items-center gap-3 px-5 pt-3 pb-2">
        <Link
          to="/containers"
          aria-label={t('details.back')}
          title={t('details.back')}
          className="text-muted hover:bg-hover hover:text-text -ml-2 inline-flex size-7 shrink-0 items-center justify-center rounded-md"
        >
          <ChevronLeft size={17} aria-hidden />
        </Link>
        <div className="flex min-w-0 flex-1 items-baseline gap-3">
          <h1 className="min-w-0 truncate text-xl font-semibold tracking-[-0.01em]" title={container.name}>
            {container.name}
          </h1>
          <span className="shrink-0">
            <StateLabel container={container} />
          </span>
          <span className="text-faint hidden min-w-0 truncate min-[1000px]:inline" title={container.image}>
            {imageName(container.image)}
          </span>
        </div>
        <DetailsActions container={container} />
      </header>
      <TabList label={t('details.tabs')} tabs={tabs.map(([value, text]) => [value, t(text)] as const)} />
      <TabPanel value="overview" scroll>
        <OverviewTab container={container} />
      </TabPanel>
      <TabPanel value="logs">
        <LogViewer
          id={container.id}
          name={container.name}
          running={container.state === 'running'}
          onDetach={() => void openLogWindow(container.id)}
        />
      </TabPanel>
      <TabPanel value="terminal">
        <TerminalTab container={container} />
      </TabPanel>
      <TabPanel value="stats" scroll>
        <StatsTab container={container} />
      </TabPanel>
      <TabPanel value="files">
        <FileBrowser of={{ kind: 'container', id: container.id }} />
      </TabPanel>
      <TabPanel value="inspect">
        <InspectTab container={container} />
      </TabPanel>
    </Tabs.Root>
  );
}

function InspectTab({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  return <JsonView value={container.raw} label={t('details.json.label')} />;
}

function Missing() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  return (
    <EmptyState icon={Box} title={t('details.missingTitle')} body={t('details.missingBody')}>
      <Button onClick={() => void navigate({ to: '/containers' })}>{t('details.back')}</Button>
    </EmptyState>
  );
}
