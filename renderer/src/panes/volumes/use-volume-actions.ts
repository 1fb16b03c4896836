import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { receiveParts } from '../../api/parts.ts';
import { saveBlob } from '../../design/save-file.ts';
import { toast } from '../../design/toast.tsx';
import { useTask } from '../../engine-objects/use-task.ts';
import { formatBytes } from '../../format/bytes.ts';
import { plainNameOf, titleOf } from './volume-names.ts';

/** Asks, removes, and says so; resolves with whether it is gone. */
export function useRemoveVolume() {
  const { t } = useTranslation();
  const { perform } = useTask();
  return useCallback(
    (volume: VolumeSummary): Promise<boolean> => {
      const name = titleOf(volume);
      const { sizeBytes } = volume;
      const losses =
        sizeBytes === undefined ? [] : [t('volumes.removeLoss', { name, size: formatBytes(sizeBytes) })];
      return perform({
        question: {
          title: t('volumes.removeTitle', { name }),
          body: t('volumes.removeBody'),
          losses,
          action: t('common.remove'),
        },
        work: () => api.volumes.remove({ name: volume.name, force: false }),
        done: t('volumes.removed', { name }),
        failed: t('volumes.removeFailed', { name }),
      });
    },
    [perform, t],
  );
}

/** Downloads a backup; `progress` says how far it is. */
export function useBackup(volume: VolumeSummary) {
  const { t } = useTranslation();
  const [progress, setProgress] = useState<string>();
  const name = titleOf(volume);
  const backup = async () => {
    const tell = (bytes: number) => setProgress(t('volumes.backingUp', { size: formatBytes(bytes) }));
    tell(0);
    try {
      const parts = await api.volumes.backup({ name: volume.name });
      const blob = await receiveParts(parts, 'application/zstd', tell);
      const day = new Date().toISOString().slice(0, 10);
      saveBlob(`${plainNameOf(volume)}-${day}.tar.zst`, blob);
      toast('good', t('volumes.backedUp', { name, size: formatBytes(blob.size) }));
    } catch (error) {
      toast('bad', t('volumes.backupFailed', { name }), toFailure(error).message);
    } finally {
      setProgress(undefined);
    }
  };
  return { backup, progress };
}
