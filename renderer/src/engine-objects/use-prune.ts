import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PruneResult } from '../../../electron/api/types.ts';
import { toFailure } from '../api/failure.ts';
import { confirm } from '../design/confirm.tsx';
import type { Confirmation } from '../design/confirm.tsx';
import { toast } from '../design/toast.tsx';
import { formatBytes } from '../format/bytes.ts';

/** Asks, prunes, and says what was freed; the lists follow by the engine's events. */
export function usePrune(work: () => Promise<PruneResult>) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const prune = async (question: Confirmation) => {
    const answer = await confirm(question);
    if (!answer.confirmed) return;
    setBusy(true);
    try {
      const { removed, reclaimedBytes } = await work();
      const size = formatBytes(reclaimedBytes);
      toast(
        'good',
        removed.length > 0 ? t('common.pruned', { count: removed.length, size }) : t('common.nothingToPrune'),
      );
    } catch (error) {
      toast('bad', toFailure(error).message);
    } finally {
      setBusy(false);
    }
  };
  return { prune, busy };
}
