import { Network, Plus, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkDetails, NetworkPool } from '../../../../electron/api/types.ts';
import { toFailure } from '../../api/failure.ts';
import { Badge } from '../../design/badge.tsx';
import { Button, IconButton } from '../../design/button.tsx';
import { Card, Code, Facts } from '../../design/card.tsx';
import { Drawer } from '../../design/dialog.tsx';
import { JsonView } from '../../design/json-view.tsx';
import { EmptyState, ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { ConnectDialog } from './connect-dialog.tsx';
import { EndpointList } from './endpoint-list.tsx';
import { useNetwork } from './use-networks.ts';

interface NetworkDrawerProps {
  id: string;
  onClose: () => void;
  onRemove: (network: Pick<NetworkDetails, 'id' | 'name'>) => void;
}

/** A network and who is on it. */
export function NetworkDrawer({ id, onClose, onRemove }: NetworkDrawerProps) {
  const { t } = useTranslation();
  const query = useNetwork(id);
  const network = query.data;
  const isGone = query.isError && toFailure(query.error).code === 'NOT_FOUND';
  return (
    <Drawer
      open
      title={network?.name ?? t('networks.details.facts')}
      subtitle={network?.driver}
      onClose={onClose}
      actions={
        network &&
        !network.predefined &&
        !isGone && (
          <IconButton
            label={t('networks.removeNamed', { name: network.name })}
            icon={Trash2}
            danger
            onClick={() => onRemove(network)}
          />
        )
      }
    >
      {query.isPending && <SkeletonBlock />}
      {isGone && <EmptyState icon={Network} title={t('networks.details.missing')} />}
      {query.isError && !network && !isGone && (
        <ErrorState error={query.error} retry={() => void query.refetch()} />
      )}
      {network && !isGone && (
        <div className="flex flex-col gap-3">
          <FactsCard network={network} />
          <EndpointsCard network={network} />
          <PairsCard title={t('networks.details.options')} pairs={network.options} />
          <PairsCard title={t('common.labels')} pairs={network.labels} />
          <div className="border-line h-[28rem] overflow-hidden rounded-lg border">
            <JsonView value={network.raw} label={t('details.json.label')} />
          </div>
        </div>
      )}
    </Drawer>
  );
}

function FactsCard({ network }: { network: NetworkDetails }) {
  const { t } = useTranslation();
  const families = [...(network.ipv4 ? ['IPv4'] : []), ...(network.ipv6 ? ['IPv6'] : [])];
  return (
    <Card
      title={t('networks.details.facts')}
      aside={
        <span className="flex gap-1">
          {network.predefined && <Badge>{t('networks.builtIn')}</Badge>}
          {network.internal && <Badge tone="accent">{t('networks.internal')}</Badge>}
          {network.attachable && <Badge>{t('networks.form.attachable')}</Badge>}
        </span>
      }
    >
      <Facts
        facts={[
          ['ID', <Code key="id">{network.id}</Code>],
          [t('common.driver'), network.driver],
          [t('networks.details.scope'), network.scope],
          [t('networks.details.families'), families.join(', ')],
          [t('networks.details.subnets'), <Pools key="pools" pools={network.pools} />],
        ]}
      />
    </Card>
  );
}

function Pools({ pools }: { pools: NetworkPool[] }) {
  const { t } = useTranslation();
  if (pools.length === 0) return <span className="text-faint">{t('networks.details.noSubnets')}</span>;
  return (
    <ul className="flex flex-col gap-1">
      {pools.map(({ subnet, gateway, ipRange, auxiliary }) => (
        <li key={subnet}>
          <Code>{subnet}</Code>
          <span className="text-faint text-sm">
            {gateway !== '' && ` · ${t('networks.form.gateway')} ${gateway}`}
            {ipRange !== '' && ` · ${t('networks.form.ipRange')} ${ipRange}`}
            {Object.entries(auxiliary).map(
              ([name, address]) => ` · ${t('networks.details.reserved')} ${name} ${address}`,
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

function EndpointsCard({ network }: { network: NetworkDetails }) {
  const { t } = useTranslation();
  const [connecting, setConnecting] = useState(false);
  // Who is on the host's network or on none is decided when a container is made.
  const isOpen = network.driver !== 'host' && network.driver !== 'null';
  return (
    <Card
      title={`${t('networks.containers')} ${network.endpoints.length || ''}`}
      aside={
        isOpen && (
          <Button size="small" icon={Plus} onClick={() => setConnecting(true)}>
            {t('networks.details.connect')}
          </Button>
        )
      }
    >
      {network.endpoints.length === 0 ? (
        <p className="text-faint">{t('networks.noContainers')}</p>
      ) : (
        <EndpointList network={network} canDisconnect={isOpen} />
      )}
      {connecting && <ConnectDialog network={network} onClose={() => setConnecting(false)} />}
    </Card>
  );
}

function PairsCard({ title, pairs }: { title: string; pairs: Record<string, string> }) {
  const entries = Object.entries(pairs);
  if (entries.length === 0) return null;
  return (
    <Card title={title}>
      <dl className="flex flex-col gap-1">
        {entries.map(([name, value]) => (
          <div key={name}>
            <dt className="text-faint inline text-sm [overflow-wrap:anywhere]">{name}</dt>{' '}
            <dd className="inline">
              <Code>{value}</Code>
            </dd>
          </div>
        ))}
      </dl>
    </Card>
  );
}
