import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../electron/api/types.ts';
import { api, queries } from '../api/client.ts';
import { toFailure } from '../api/failure.ts';
import { queryClient } from '../api/query-client.ts';
import { confirm } from '../design/confirm.tsx';
import { toast } from '../design/toast.tsx';
import { runAll, summarise } from './bulk.ts';
import { canDo, isLive } from './state-view.ts';
import type { Verb } from './state-view.ts';

type Target = Pick<ContainerSummary, 'id' | 'name' | 'state'>;

function perform(verb: Verb, target: Target, removeVolumes: boolean): Promise<void> {
  const id = { id: target.id };
  if (verb === 'remove') {
    return api.containers.remove({ ...id, force: isLive(target.state), volumes: removeVolumes });
  }
  return api.containers[verb](id);
}

/**
 * The verbs on containers, one or many: asks where data is lost, runs, says what came of it. `busy` holds the ids
 * under work. Resolves with the ids that are done.
 */
export function useContainerActions() {
  const { t } = useTranslation();
  const [busy, setBusy] = useState<ReadonlySet<string>>(new Set());

  const askFirst = useCallback(
    async (verb: Verb, targets: Target[]) => {
      const count = targets.length;
      const name = targets[0]?.name ?? '';
      if (verb === 'kill') {
        return confirm({
          title: t('containers.killTitle', { count, name }),
          body: t('containers.killBody'),
          action: t('containers.kill'),
        });
      }
      if (verb !== 'remove') return { confirmed: true as const, option: false };
      const running = targets.filter((target) => isLive(target.state));
      const losses = running
        .slice(0, 8)
        .map((target) => t('containers.removeRunning', { name: target.name }));
      if (running.length > 8) losses.push(t('containers.removeMore', { count: running.length - 8 }));
      return confirm({
        title: t('containers.removeTitle', { count, name }),
        body: t('containers.removeBody'),
        losses,
        action: t('containers.remove'),
        option: { label: t('containers.removeVolumes'), initial: false },
      });
    },
    [t],
  );

  const act = useCallback(
    async (verb: Verb, asked: Target[]): Promise<string[]> => {
      const targets = asked.filter((target) => canDo(verb, target.state));
      if (targets.length === 0) return [];
      const answer = await askFirst(verb, targets);
      if (!answer.confirmed) return [];
      const ids = targets.map((target) => target.id);
      setBusy((current) => new Set([...current, ...ids]));
      const results = await runAll(targets, (target) => perform(verb, target, answer.option));
      setBusy((current) => new Set([...current].filter((id) => !ids.includes(id))));
      void queryClient.invalidateQueries({ queryKey: queries.containers.key() });
      const summary = summarise(results, (error) => toFailure(error).message);
      const name = targets[0]?.name ?? '';
      if (targets.length === 1) {
        if (summary.failed === 0) toast('good', t(`containers.done.${verb}`, { name }));
        else toast('bad', t(`containers.failed.${verb}`, { name }), summary.reasons);
      } else if (summary.failed === 0) {
        toast('good', t('common.bulkDone', { count: summary.count }));
      } else {
        toast('bad', t('common.bulkFailed', summary), summary.reasons);
      }
      return results.filter((result) => result.error === undefined).map((result) => result.target.id);
    },
    [askFirst, t],
  );

  return { act, busy };
}
