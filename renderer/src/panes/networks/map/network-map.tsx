import { Network } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary, NetworkLink, NetworkSummary } from '../../../../../electron/api/types.ts';
import { useContainers } from '../../../containers/use-containers.ts';
import { filterByText } from '../../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../../engine-objects/list-body.tsx';
import { useNetworkLinks } from '../use-networks.ts';
import { MapCanvas } from './map-canvas.tsx';
import { toMapModel } from './map-model.ts';

interface NetworkMapProps {
  networks: readonly NetworkSummary[];
  filter: string;
  onClearFilter: () => void;
  onOpen: (networkId: string) => void;
}

const nobody: ContainerSummary[] = [];
const unknown: NetworkLink[] = [];

/** Networks, who is on them, and what is published on this machine, with live byte rates. */
export function NetworkMap({ networks, filter, onClearFilter, onOpen }: NetworkMapProps) {
  const { t } = useTranslation();
  const containers = useContainers();
  const links = useNetworkLinks();
  const model = useMemo(() => {
    const matches = (name: string) => filterByText([name], filter, (text) => text).length > 0;
    return toMapModel(networks, containers.data ?? nobody, links.data ?? unknown, matches);
  }, [networks, containers.data, links.data, filter]);
  return (
    <ListBody query={containers}>
      {model.hubs.length === 0 ? (
        <NoRows
          filter={filter}
          onClear={onClearFilter}
          icon={Network}
          title={t('networks.map.emptyTitle')}
          body={t('networks.map.emptyBody')}
        />
      ) : (
        <MapCanvas model={model} onOpen={onOpen} />
      )}
    </ListBody>
  );
}
