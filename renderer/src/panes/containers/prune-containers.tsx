import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { Button } from '../../design/button.tsx';
import { usePrune } from '../../engine-objects/use-prune.ts';

export function PruneContainers({ stopped }: { stopped: ContainerSummary[] }) {
  const { t } = useTranslation();
  const { prune, busy } = usePrune(() => api.containers.prune());
  return (
    <Button
      busy={busy}
      disabled={stopped.length === 0}
      onClick={() =>
        void prune({
          title: t('containers.pruneTitle'),
          body: t('containers.pruneBody'),
          losses: stopped.map((container) => container.name),
          action: t('containers.prune'),
        })
      }
    >
      {t('containers.prune')}
    </Button>
  );
}
