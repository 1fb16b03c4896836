import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Checkbox } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { isPrunable, titleOf } from './volume-names.ts';

/** Shows exactly what would go and how many bytes that frees, before anything goes. */
export function PruneVolumesDialog({ volumes, onClose }: { volumes: VolumeSummary[]; onClose: () => void }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState(false);
  const doomed = volumes.filter((volume) => isPrunable(volume, all));
  const bytes = doomed.reduce((sum, { sizeBytes = 0 }) => sum + sizeBytes, 0);
  const prune = async () => {
    setBusy(true);
    try {
      const { removed, reclaimedBytes } = await api.volumes.prune({ all });
      toast('good', t('common.pruned', { count: removed.length, size: formatBytes(reclaimedBytes) }));
      onClose();
    } catch (error) {
      toast('bad', toFailure(error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      title={t('volumes.pruneTitle')}
      description={t('volumes.pruneBody')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="danger" busy={busy} disabled={doomed.length === 0} onClick={() => void prune()}>
            {doomed.length > 0 ? t('volumes.pruneFree', { size: formatBytes(bytes) }) : t('common.prune')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Checkbox
          label={t('volumes.pruneAll')}
          hint={t('volumes.pruneAllHint')}
          checked={all}
          onChange={setAll}
        />
        {doomed.length === 0 && <p className="text-muted">{t('common.nothingToPrune')}</p>}
        {doomed.length > 0 && (
          <ul className="border-line divide-line max-h-72 divide-y overflow-y-auto rounded-lg border">
            {doomed.map((volume) => (
              <li key={volume.name} className="flex items-center gap-3 px-3 py-1.5">
                <span className="min-w-0 flex-1 truncate" title={volume.name}>
                  {titleOf(volume)}
                </span>
                <span className="text-muted text-sm whitespace-nowrap">
                  {volume.sizeBytes === undefined ? '–' : formatBytes(volume.sizeBytes)}
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Dialog>
  );
}
