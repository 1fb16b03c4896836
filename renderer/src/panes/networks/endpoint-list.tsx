import { Link } from '@tanstack/react-router';
import { Unplug } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { NetworkDetails, NetworkEndpoint } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { StateLabel } from '../../containers/state-label.tsx';
import { Button, IconButton } from '../../design/button.tsx';
import { Code } from '../../design/card.tsx';
import { useTask } from '../../engine-objects/use-task.ts';

interface EndpointListProps {
  network: NetworkDetails;
  canDisconnect: boolean;
}

/** So many are drawn at once; a network can have hundreds. */
const portion = 50;

export function EndpointList({ network, canDisconnect }: EndpointListProps) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(portion);
  const { endpoints } = network;
  return (
    <>
      <ul className="divide-line divide-y">
        {endpoints.slice(0, shown).map((endpoint) => (
          <EndpointRow
            key={endpoint.containerId}
            network={network}
            endpoint={endpoint}
            canDisconnect={canDisconnect}
          />
        ))}
      </ul>
      {endpoints.length > shown && (
        <Button size="small" onClick={() => setShown(shown + portion)}>
          {t('networks.details.more', { count: endpoints.length - shown })}
        </Button>
      )}
    </>
  );
}

function EndpointRow({
  network,
  endpoint,
  canDisconnect,
}: EndpointListProps & { endpoint: NetworkEndpoint }) {
  const { t } = useTranslation();
  const { perform, busy } = useTask();
  const { containerId, name, state, mac, aliases, gatewayPriority } = endpoint;
  const addresses = [endpoint.ipv4, endpoint.ipv6].filter((address) => address !== '');
  const disconnect = async () => {
    await perform({
      question: {
        title: t('networks.details.disconnectTitle', { container: name, network: network.name }),
        body: t('networks.details.disconnectBody'),
        action: t('networks.details.disconnect'),
      },
      work: () => api.networks.disconnect({ network: network.id, container: containerId, force: false }),
      done: t('networks.details.disconnected', { container: name, network: network.name }),
      failed: t('networks.details.disconnectFailed', { container: name }),
    });
    // A stopped container's networks change without an event of Docker's.
    void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
  };
  return (
    <li className="flex items-start gap-3 py-2 first:pt-0 last:pb-0" aria-label={name}>
      <div className="min-w-0 flex-1">
        <div className="flex items-center gap-3">
          <Link
            to="/containers/$id"
            params={{ id: containerId }}
            title={name}
            className="truncate font-semibold no-underline hover:underline"
          >
            {name}
          </Link>
          <span className="text-sm">
            <StateLabel container={{ state, health: undefined, status: '' }} />
          </span>
        </div>
        <p className="text-muted mt-0.5 flex flex-wrap gap-x-3 text-sm">
          {addresses.length === 0 && <span className="text-faint">{t('networks.details.onStart')}</span>}
          {addresses.map((address) => (
            <Code key={address}>{address}</Code>
          ))}
          {mac !== '' && (
            <span title={t('networks.details.mac')}>
              <Code>{mac}</Code>
            </span>
          )}
          {gatewayPriority !== 0 && (
            <span>
              {t('networks.details.priority')} {gatewayPriority}
            </span>
          )}
        </p>
        {aliases.length > 0 && (
          <p className="text-faint text-sm [overflow-wrap:anywhere]">
            {t('networks.details.aliases')}: {aliases.join(', ')}
          </p>
        )}
      </div>
      {canDisconnect && (
        <IconButton
          label={t('networks.details.disconnectNamed', { name })}
          hint={t('networks.details.disconnect')}
          icon={Unplug}
          danger
          disabled={busy}
          onClick={() => void disconnect()}
        />
      )}
    </li>
  );
}
