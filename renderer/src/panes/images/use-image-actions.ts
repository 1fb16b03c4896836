import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { toast } from '../../design/toast.tsx';
import { useTask } from '../../engine-objects/use-task.ts';
import { formatBytes } from '../../format/bytes.ts';
import { checkFreshness } from './freshness.ts';
import type { ImageActions } from './image-columns.tsx';
import type { ImageRow } from './image-rows.ts';
import { saveImages } from './save-images.ts';
import { startPush } from './transfers.ts';

/** The verbs of one image, with their questions and toasts. */
export function useImageActions({
  onTag,
  onExplore,
}: {
  onTag: (row: ImageRow) => void;
  onExplore: (row: ImageRow) => void;
}): ImageActions {
  const { t } = useTranslation();
  const { perform } = useTask();
  return useMemo(() => {
    const remove = (row: ImageRow) =>
      perform({
        question: {
          title: t('images.removeTitle', { name: row.reference }),
          body: t('images.removeBody'),
          losses: row.otherTags.map((name) => t('images.removeTag', { name })),
          action: t('common.remove'),
          option: { label: t('images.removeForce'), initial: false },
        },
        work: async (force) => {
          // Docker removes by reference: each tag goes on its own, the layers with the last one.
          for (const reference of row.name ? row.image.tags : [row.image.id]) {
            await api.images.remove({ id: reference, force });
          }
        },
        done: t('images.removed', { name: row.reference }),
        failed: t('images.removeFailed', { name: row.reference }),
      });
    const save = async (row: ImageRow) => {
      toast('info', t('images.saving', { name: row.reference }));
      let bytes = 0;
      try {
        const names = row.name ? row.image.tags : [row.image.id];
        await saveImages(names, (sofar) => (bytes = sofar));
        toast('good', t('images.saved', { name: row.reference, size: formatBytes(bytes) }));
      } catch (error) {
        toast('bad', t('images.saveFailed', { name: row.reference }), toFailure(error).message);
      }
    };
    const check = async (row: ImageRow) => {
      for (const name of row.image.tags) {
        try {
          const state = await checkFreshness(name);
          toast(state === 'current' ? 'good' : 'info', t(`images.fresh.${state}`, { name }));
        } catch (error) {
          toast('bad', t('images.checkOneFailed', { name }), toFailure(error).message);
        }
      }
    };
    return {
      remove: (row) => void remove(row),
      push: startPush,
      save: (row) => void save(row),
      check: (row) => void check(row),
      tag: onTag,
      explore: onExplore,
    };
  }, [perform, t, onTag, onExplore]);
}
