import { useCallback } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { isLive } from '../../containers/state-view.ts';
import { useTask } from '../../engine-objects/use-task.ts';

/** Removes a network after a question that names who is on it; who runs there is disconnected first. */
export function useRemoveNetwork(containers: readonly ContainerSummary[]) {
  const { t } = useTranslation();
  const { perform } = useTask();
  return useCallback(
    async ({ id, name }: { id: string; name: string }): Promise<boolean> => {
      const members = containers.filter(({ networks }) => networks.includes(name));
      const running = members.filter(({ state }) => isLive(state));
      const isRemoved = await perform({
        question:
          running.length > 0
            ? {
                title: t('networks.inUseTitle', { name }),
                body: t('networks.inUseBody', { count: running.length }),
                losses: running.map((container) => container.name),
                action: t('networks.disconnectAndRemove'),
              }
            : {
                title: t('networks.removeTitle', { name }),
                body: t('networks.removeBody'),
                losses: members.map((container) => container.name),
                action: t('common.remove'),
              },
        async work() {
          // The list may be a little old: who left meanwhile cannot be disconnected, who came was not asked about.
          const { endpoints } = await api.networks.inspect({ id });
          const connected = new Set(endpoints.map(({ containerId }) => containerId));
          for (const container of running.filter((member) => connected.has(member.id)))
            await api.networks.disconnect({ network: id, container: container.id, force: false });
          await api.networks.remove({ id });
        },
        done: t('networks.removed', { name }),
        failed: t('networks.removeFailed', { name }),
      });
      void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
      return isRemoved;
    },
    [containers, perform, t],
  );
}
