import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { PruneResult } from '../../../electron/api/types.ts';
import { toFailure } from '../api/failure.ts';
import { Button } from '../design/button.tsx';
import { confirm } from '../design/confirm.tsx';
import { toast } from '../design/toast.tsx';
import { formatBytes } from '../format/bytes.ts';

interface PruneButtonProps {
  label: string;
  title: string;
  body: string;
  /** What will be gone, a line each; disabled when there is nothing. */
  losses: string[];
  work: () => Promise<PruneResult>;
}

/** Asks, prunes, and says what was freed; the lists follow by the engine's events. */
export function PruneButton({ label, title, body, losses, work }: PruneButtonProps) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const prune = async () => {
    const answer = await confirm({ title, body, losses, action: label });
    if (!answer.confirmed) return;
    setBusy(true);
    try {
      const { removed, reclaimedBytes } = await work();
      const size = formatBytes(reclaimedBytes);
      toast(
        'good',
        removed.length > 0 ? t('common.pruned', { count: removed.length, size }) : t('common.nothingPruned'),
      );
    } catch (error) {
      toast('bad', toFailure(error).message);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button busy={busy} disabled={losses.length === 0} onClick={() => void prune()}>
      {label}
    </Button>
  );
}
