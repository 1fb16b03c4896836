import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { PruneButton } from '../../engine-objects/prune-button.tsx';

export function PruneContainers({ stopped }: { stopped: ContainerSummary[] }) {
  const { t } = useTranslation();
  return (
    <PruneButton
      label={t('containers.prune')}
      title={t('containers.pruneTitle')}
      body={t('containers.pruneBody')}
      losses={stopped.map((container) => container.name)}
      work={() => api.containers.prune()}
    />
  );
}
