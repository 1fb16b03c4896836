import type { TFunction } from 'i18next';
import { Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { NetworkSummary } from '../../../../electron/api/types.ts';
import { Badge } from '../../design/badge.tsx';
import { IconButton } from '../../design/button.tsx';
import type { TableColumn } from '../../design/data-table-model.ts';
import { UsedBy } from '../../engine-objects/used-by.tsx';

export function networkColumns(
  t: TFunction,
  onRemove: (network: NetworkSummary) => void,
): TableColumn<NetworkSummary>[] {
  return [
    {
      id: 'name',
      header: t('common.name'),
      width: 'minmax(9rem, 2fr)',
      sortValue: (network) => network.name,
      cell: (network) => <NameCell network={network} />,
    },
    {
      id: 'driver',
      header: t('common.driver'),
      width: '5.5rem',
      sortValue: (network) => network.driver,
      cell: (network) => <span className="text-muted truncate">{network.driver}</span>,
    },
    {
      id: 'subnet',
      header: t('networks.subnet'),
      width: 'minmax(8rem, 1fr)',
      sortValue: (network) => network.subnets[0]?.subnet,
      cell: (network) => <SubnetsCell subnets={network.subnets.map(({ subnet }) => subnet)} />,
    },
    {
      id: 'usedBy',
      header: t('common.usedBy'),
      width: 'minmax(8rem, 2fr)',
      sortValue: (network) => network.containers.length,
      cell: (network) => <UsedBy names={network.containers.map((container) => container.name)} />,
    },
    {
      id: 'actions',
      header: '',
      width: '2rem',
      cell: (network) =>
        network.predefined ? null : (
          <IconButton
            label={t('networks.removeNamed', { name: network.name })}
            hint={t('common.remove')}
            shortcut="Delete"
            icon={Trash2}
            danger
            onClick={() => onRemove(network)}
          />
        ),
    },
  ];
}

function NameCell({ network }: { network: NetworkSummary }) {
  const { t } = useTranslation();
  return (
    <span className="flex min-w-0 items-center gap-2">
      <span className="truncate font-semibold" title={network.name}>
        {network.name}
      </span>
      {network.predefined && <Badge>{t('networks.builtIn')}</Badge>}
      {network.internal && <Badge tone="accent">{t('networks.internal')}</Badge>}
    </span>
  );
}

function SubnetsCell({ subnets }: { subnets: string[] }) {
  return (
    <code className="text-muted truncate text-sm" title={subnets.join('\n')}>
      {subnets.join(', ')}
    </code>
  );
}
