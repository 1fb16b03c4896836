import { LoaderCircle } from 'lucide-react';
import type { TFunction } from 'i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { PortLinks } from '../../containers/port-links.tsx';
import { isLive } from '../../containers/state-view.ts';
import type { Verb } from '../../containers/state-view.ts';
import { StateLabel } from '../../containers/state-label.tsx';
import type { TableColumn } from '../../design/data-table-model.ts';
import { imageName } from '../../format/ids.ts';
import { RowActions } from './row-actions.tsx';
import { uptimeMs, uptimeText } from './uptime.ts';
import { CpuCell, MemoryCell } from './usage-cells.tsx';

interface ColumnContext {
  t: TFunction;
  language: string;
  /** Time since the list was read. */
  sinceFetchMs: number;
  busy: ReadonlySet<string>;
  act: (verb: Verb, targets: ContainerSummary[]) => void;
}

const stateOrder = { running: 1, restarting: 2, paused: 3, created: 4, exited: 5, dead: 6, removing: 7 };

/** Unhealthy first, then by how alive it is. */
function stateRank(container: ContainerSummary): number {
  return container.health === 'unhealthy' ? 0 : stateOrder[container.state];
}

export function containerColumns({
  t,
  language,
  sinceFetchMs,
  busy,
  act,
}: ColumnContext): TableColumn<ContainerSummary>[] {
  return [
    {
      id: 'name',
      header: t('common.name'),
      width: 'minmax(7rem, 2.2fr)',
      sortValue: (container) => container.name,
      cell: (container) => (
        <span className="flex min-w-0 items-center gap-2">
          <span className="truncate font-semibold" title={container.name}>
            {container.name}
          </span>
          {busy.has(container.id) && (
            <LoaderCircle
              size={13}
              className="text-accent shrink-0 animate-spin"
              aria-label={t('common.loading')}
            />
          )}
        </span>
      ),
    },
    {
      id: 'image',
      header: t('containers.image'),
      width: 'minmax(6rem, 1.3fr)',
      fromWidth: 760,
      sortValue: (container) => container.image,
      cell: (container) => (
        <span className="text-muted truncate" title={container.image}>
          {imageName(container.image)}
        </span>
      ),
    },
    {
      id: 'state',
      header: t('containers.state'),
      width: 'minmax(6.25rem, 1fr)',
      sortValue: stateRank,
      cell: (container) => <StateLabel container={container} />,
    },
    {
      id: 'ports',
      header: t('containers.ports'),
      width: 'minmax(8.5rem, 1.5fr)',
      fromWidth: 640,
      sortValue: (container) => container.ports.find((port) => port.hostPort)?.hostPort,
      cell: (container) => <PortLinks ports={container.ports} limit={1} />,
    },
    {
      id: 'cpu',
      header: t('containers.cpu'),
      width: '6.5rem',
      align: 'end',
      cell: (container) => <CpuCell container={container} />,
    },
    {
      id: 'memory',
      header: t('containers.memory'),
      width: '4.75rem',
      align: 'end',
      cell: (container) => <MemoryCell container={container} />,
    },
    {
      id: 'uptime',
      header: t('containers.uptime'),
      width: '6.5rem',
      fromWidth: 900,
      align: 'end',
      sortValue: (container) => (isLive(container.state) ? uptimeMs(container.status) : undefined),
      cell: (container) => (
        <span className="text-muted truncate" title={container.status}>
          {uptimeText(container, sinceFetchMs, language)}
        </span>
      ),
    },
    {
      id: 'actions',
      header: '',
      width: '5.75rem',
      align: 'end',
      cell: (container) => <RowActions container={container} busy={busy.has(container.id)} act={act} />,
    },
  ];
}
