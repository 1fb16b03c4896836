import { Network } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkSummary } from '../../../../electron/api/types.ts';
import { DataTable } from '../../design/data-table.tsx';
import { filterByText } from '../../engine-objects/filter-by-text.ts';
import { NoRows } from '../../engine-objects/list-body.tsx';
import { networkColumns } from './network-columns.tsx';

interface NetworkTableProps {
  networks: readonly NetworkSummary[];
  filter: string;
  onClearFilter: () => void;
  onOpen: (id: string) => void;
  onRemove: (network: NetworkSummary) => void;
}

/** The networks that the filter leaves, one a line. */
export function NetworkTable({ networks, filter, onClearFilter, onOpen, onRemove }: NetworkTableProps) {
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
