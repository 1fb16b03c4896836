import { useQuery } from '@tanstack/react-query';
import { Network, Plus } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkSummary } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { Button } from '../../design/button.tsx';
import { Card, Code } from '../../design/card.tsx';
import { DataTable } from '../../design/data-table.tsx';
import { FilterInput, Page } from '../../design/page.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../engine-objects/list-body.tsx';
import { RawDrawer } from '../../engine-objects/raw-drawer.tsx';
import { PruneButton } from '../../engine-objects/prune-button.tsx';
import { useTask } from '../../engine-objects/use-task.ts';
import { CreateNetworkDialog } from './create-network-dialog.tsx';
import { networkColumns } from './network-columns.tsx';
import { useNetworks } from './use-networks.ts';

const none: NetworkSummary[] = [];

export function NetworksPane() {
  const { t } = useTranslation();
  const query = useNetworks();
  const all = query.data ?? none;
  const [filter, setFilter] = useState('');
  const [creating, setCreating] = useState(false);
  const [opened, setOpened] = useState<string>();
  const { perform } = useTask();
  const rows = useMemo(
    () =>
      filterByText(all, filter, (network) =>
        [network.name, network.driver, ...network.subnets.map((subnet) => subnet.subnet)].join(' '),
      ),
    [all, filter],
  );
  const prunable = all.filter((network) => !network.predefined && network.containers.length === 0);

  const remove = useCallback(
    (network: NetworkSummary) =>
      perform({
        question: {
          title: t('networks.removeTitle', { name: network.name }),
          body: t('networks.removeBody'),
          action: t('common.remove'),
        },
        work: () => api.networks.remove({ id: network.id }),
        done: t('networks.removed', { name: network.name }),
        failed: t('networks.removeFailed', { name: network.name }),
      }),
    [perform, t],
  );
  const columns = useMemo(() => networkColumns(t, (network) => void remove(network)), [t, remove]);
  const openedNetwork = all.find((network) => network.id === opened);

  return (
    <Page
      title={t('networks.title')}
      actions={
        <>
          <PruneButton
            label={t('common.prune')}
            title={t('networks.pruneTitle')}
            body={t('networks.pruneBody')}
            losses={prunable.map((network) => network.name)}
            work={() => api.networks.prune()}
          />
          <Button variant="primary" icon={Plus} onClick={() => setCreating(true)}>
            {t('networks.create')}
          </Button>
        </>
      }
      toolbar={<FilterInput label={t('networks.filter')} value={filter} onChange={setFilter} />}
    >
      <ListBody query={query}>
        <DataTable
          id="networks"
          label={t('networks.title')}
          rows={rows}
          columns={columns}
          rowId={(network) => network.id}
          rowName={(network) => network.name}
          initialSort={{ id: 'name', desc: false }}
          onOpen={(network) => setOpened(network.id)}
          onRowKey={(network, key) => {
            if (key !== 'Delete' || network.predefined) return false;
            void remove(network);
            return true;
          }}
          empty={
            <NoRows
              filter={filter}
              onClear={() => setFilter('')}
              icon={Network}
              title={t('networks.emptyTitle')}
              body={t('networks.emptyBody')}
            />
          }
        />
      </ListBody>
      {creating && <CreateNetworkDialog onClose={() => setCreating(false)} />}
      {openedNetwork && <NetworkDrawer network={openedNetwork} onClose={() => setOpened(undefined)} />}
    </Page>
  );
}

function NetworkDrawer({ network, onClose }: { network: NetworkSummary; onClose: () => void }) {
  const { t } = useTranslation();
  const query = useQuery(queries.networks.inspect.queryOptions({ input: { id: network.id } }));
  return (
    <RawDrawer title={network.name} query={query} onClose={onClose}>
      <Card title={t('networks.containers')}>
        {network.containers.length === 0 && <p className="text-faint">{t('networks.noContainers')}</p>}
        <ul>
          {network.containers.map((container) => (
            <li key={container.id} className="flex items-center justify-between gap-4 py-0.5">
              <span className="truncate">{container.name}</span>
              <Code>{container.ip}</Code>
            </li>
          ))}
        </ul>
      </Card>
    </RawDrawer>
  );
}
