import { useNavigate, useSearch } from '@tanstack/react-router';
import { Network, Plus, Route } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary, NetworkSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { useContainers } from '../../containers/use-containers.ts';
import { Button } from '../../design/button.tsx';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../engine-objects/list-body.tsx';
import { PruneButton } from '../../engine-objects/prune-button.tsx';
import { CreateNetworkDialog } from './create-network-dialog.tsx';
import { NetworkMap } from './map/network-map.tsx';
import { networkColumns } from './network-columns.tsx';
import { NetworkDrawer } from './network-drawer.tsx';
import { ReachDialog } from './reach/reach-dialog.tsx';
import { prunable } from './prunable.ts';
import type { Prunable } from './prunable.ts';
import { useNetworks } from './use-networks.ts';
import { useRemoveNetwork } from './use-remove-network.ts';

const none: NetworkSummary[] = [];
const nobody: ContainerSummary[] = [];

export function NetworksPane() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const { network: opened, view = 'list' } = useSearch({ from: '/shell/networks' });
  const query = useNetworks();
  const containers = useContainers();
  const all = query.data ?? none;
  const [filter, setFilter] = useState('');
  const [dialog, setDialog] = useState<'create' | 'reach'>();
  const remove = useRemoveNetwork(containers.data ?? nobody);
  const go = (search: { network?: string; view?: 'map' }) =>
    void navigate({ to: '/networks', search, replace: true });
  const lossText = ({ name, stopped }: Prunable) =>
    stopped.length === 0 ? name : t('networks.pruneStopped', { name, containers: stopped.join(', ') });
  const keepView = view === 'map' ? { view } : {};
  const open = (id: string) => go({ ...keepView, network: id });

  return (
    <Page
      title={t('networks.title')}
      actions={
        <>
          <Button icon={Route} onClick={() => setDialog('reach')}>
            {t('reach.open')}
          </Button>
          <PruneButton
            label={t('common.prune')}
            title={t('networks.pruneTitle')}
            body={t('networks.pruneBody')}
            losses={containers.data ? prunable(all, containers.data).map(lossText) : []}
            work={() => api.networks.prune()}
          />
          <Button variant="primary" icon={Plus} onClick={() => setDialog('create')}>
            {t('networks.create')}
          </Button>
        </>
      }
      toolbar={
        <>
          <Segmented
            label={t('networks.view')}
            options={[
              { value: 'list', label: t('networks.list') },
              { value: 'map', label: t('networks.mapView') },
            ]}
            value={view}
            onChange={(next) => go(next === 'map' ? { view: 'map' } : {})}
          />
          <FilterInput label={t('networks.filter')} value={filter} onChange={setFilter} />
        </>
      }
    >
      <ListBody query={query}>
        {view === 'map' ? (
          <NetworkMap networks={all} filter={filter} onClearFilter={() => setFilter('')} onOpen={open} />
        ) : (
          <NetworkTable
            networks={all}
            filter={filter}
            onClearFilter={() => setFilter('')}
            onOpen={open}
            onRemove={(network) => void remove(network)}
          />
        )}
      </ListBody>
      {dialog === 'create' && <CreateNetworkDialog existing={all} onClose={() => setDialog(undefined)} />}
      {dialog === 'reach' && <ReachDialog onClose={() => setDialog(undefined)} />}
      {opened !== undefined && (
        <NetworkDrawer
          id={opened}
          onClose={() => go(keepView)}
          onRemove={(network) => void remove(network).then((isRemoved) => isRemoved && go(keepView))}
        />
      )}
    </Page>
  );
}

interface NetworkTableProps {
  networks: readonly NetworkSummary[];
  filter: string;
  onClearFilter: () => void;
  onOpen: (id: string) => void;
  onRemove: (network: NetworkSummary) => void;
}

function NetworkTable({ networks, filter, onClearFilter, onOpen, onRemove }: NetworkTableProps) {
  const { t } = useTranslation();
  const rows = useMemo(
    () =>
      filterByText(networks, filter, (network) =>
        [network.name, network.driver, ...network.subnets.map((subnet) => subnet.subnet)].join(' '),
      ),
    [networks, filter],
  );
  const columns = useMemo(() => networkColumns(t, onRemove), [t, onRemove]);
  return (
    <DataTable
      id="networks"
      label={t('networks.title')}
      rows={rows}
      columns={columns}
      rowId={(network) => network.id}
      rowName={(network) => network.name}
      initialSort={{ id: 'name', desc: false }}
      onOpen={(network) => onOpen(network.id)}
      onRowKey={(network, key) => {
        if (key !== 'Delete' || network.predefined) return false;
        onRemove(network);
        return true;
      }}
      empty={
        <NoRows
          filter={filter}
          onClear={onClearFilter}
          icon={Network}
          title={t('networks.emptyTitle')}
          body={t('networks.emptyBody')}
        />
      }
    />
  );
}
