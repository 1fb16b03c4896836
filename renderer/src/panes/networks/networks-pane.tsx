import { useNavigate, useSearch } from '@tanstack/react-router';
import { Plus, Route } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary, NetworkSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { useContainers } from '../../containers/use-containers.ts';
import { Button } from '../../design/button.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { ListBody } from '../../engine-objects/list-body.tsx';
import { PruneButton } from '../../engine-objects/prune-button.tsx';
import { CreateNetworkDialog } from './create-network-dialog.tsx';
import { NetworkMap } from './map/network-map.tsx';
import { NetworkDrawer } from './network-drawer.tsx';
import { NetworkTable } from './network-table.tsx';
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
  const keepView = view === 'map' ? { view } : {};
  const shown = {
    networks: all,
    filter,
    onClearFilter: () => setFilter(''),
    onOpen: (id: string) => go({ ...keepView, network: id }),
  };

  return (
    <Page
      title={t('networks.title')}
      actions={
        <>
          <Button icon={Route} onClick={() => setDialog('reach')}>
            {t('reach.open')}
          </Button>
          <PruneNetworks networks={all} containers={containers.data} />
          <Button variant="primary" icon={Plus} onClick={() => setDialog('create')}>
            {t('networks.create')}
          </Button>
        </>
      }
      toolbar={
        <>
          <ViewChoice view={view} onChange={(next) => go(next === 'map' ? { view: 'map' } : {})} />
          <FilterInput label={t('networks.filter')} value={filter} onChange={setFilter} />
        </>
      }
    >
      <ListBody query={query}>
        {view === 'map' ? (
          <NetworkMap {...shown} />
        ) : (
          <NetworkTable {...shown} onRemove={(network) => void remove(network)} />
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

/** Also says which stopped containers would miss a network. */
function PruneNetworks({
  networks,
  containers,
}: {
  networks: readonly NetworkSummary[];
  containers: readonly ContainerSummary[] | undefined;
}) {
  const { t } = useTranslation();
  const lossText = ({ name, stopped }: Prunable) =>
    stopped.length === 0 ? name : t('networks.pruneStopped', { name, containers: stopped.join(', ') });
  return (
    <PruneButton
      label={t('common.prune')}
      title={t('networks.pruneTitle')}
      body={t('networks.pruneBody')}
      losses={containers ? prunable(networks, containers).map(lossText) : []}
      work={() => api.networks.prune()}
    />
  );
}

type View = 'list' | 'map';

function ViewChoice({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  const { t } = useTranslation();
  return (
    <Segmented
      label={t('networks.view')}
      options={[
        { value: 'list', label: t('networks.list') },
        { value: 'map', label: t('networks.mapView') },
      ]}
      value={view}
      onChange={onChange}
    />
  );
}
