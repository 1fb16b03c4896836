import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Checkbox } from '../../design/field.tsx';
import { ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { toast } from '../../design/toast.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { shortId } from '../../format/ids.ts';

/** Shows exactly what would go and how many bytes that frees, before anything goes. */
export function PruneDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState(false);
  const query = useQuery({
    ...queries.images.prunePreview.queryOptions({ input: { all } }),
    staleTime: 0,
  });
  const preview = query.data;
  const prune = async () => {
    setBusy(true);
    try {
      const { removed, reclaimedBytes } = await api.images.prune({ all });
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
      title={t('images.pruneTitle')}
      description={t('images.pruneBody')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            variant="danger"
            busy={busy}
            disabled={!preview || preview.images.length === 0}
            onClick={() => void prune()}
          >
            {preview && preview.images.length > 0
              ? t('images.pruneFree', { size: formatBytes(preview.reclaimedBytes) })
              : t('common.prune')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Checkbox
          label={t('images.pruneAll')}
          hint={t('images.pruneAllHint')}
          checked={all}
          onChange={setAll}
        />
        {query.isPending && <SkeletonBlock lines={3} />}
        {query.isError && !preview && <ErrorState error={query.error} retry={() => void query.refetch()} />}
        {preview?.images.length === 0 && <p className="text-muted">{t('common.nothingToPrune')}</p>}
        {preview && preview.images.length > 0 && (
          <ul className="border-line divide-line max-h-72 divide-y overflow-y-auto rounded-lg border">
            {preview.images.map((image) => (
              <li key={image.id} className="flex items-center gap-3 px-3 py-1.5">
                <span className="min-w-0 flex-1 truncate" title={image.names.join('\n') || image.id}>
                  {image.names.join(', ') || `${t('images.danglingName')} ${shortId(image.id)}`}
                </span>
                <span className="text-muted text-sm whitespace-nowrap">{formatBytes(image.sizeBytes)}</span>
              </li>
            ))}
          </ul>
        )}
        {preview && preview.images.length > 0 && (
          <p className="text-faint text-sm">{t('images.pruneShared')}</p>
        )}
      </div>
    </Dialog>
  );
}
