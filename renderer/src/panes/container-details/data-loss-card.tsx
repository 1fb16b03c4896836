import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails, WrittenDirectory } from '../../../../electron/api/types.ts';
import { queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Badge } from '../../design/badge.tsx';
import { Button } from '../../design/button.tsx';
import { Card } from '../../design/card.tsx';
import { SkeletonBlock } from '../../design/states.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { bytesOf, isMovable, isPassing } from './data-loss.ts';
import { MoveDialog } from './move-dialog.tsx';

const shownAtFirst = 5;

/** What goes when the container is recreated, and the way to keep it. */
export function DataLossCard({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  const query = useQuery({
    ...queries.containers.written.queryOptions({ input: { id: container.id } }),
    retry: false,
  });
  const [all, setAll] = useState(false);
  const [moving, setMoving] = useState<WrittenDirectory>();
  if (query.isError && toFailure(query.error).code === 'NOT_AVAILABLE') return null;
  const written = query.data;
  const directories = written?.directories ?? [];
  return (
    <Card
      title={t('details.dataLoss.title')}
      aside={
        written &&
        written.bytes > 0 && (
          <Badge tone="warn">
            {t('details.dataLoss.total', { size: formatBytes(written.bytes) })}
            {written.truncated && '+'}
          </Badge>
        )
      }
    >
      {query.isPending && <SkeletonBlock lines={2} />}
      {query.isError && !written && <p className="text-bad break-words">{toFailure(query.error).message}</p>}
      {written?.directories.length === 0 && <p className="text-faint">{t('details.dataLoss.none')}</p>}
      {directories.length > 0 && <p className="text-muted mb-2">{t('details.dataLoss.body')}</p>}
      <ul className="divide-line divide-y">
        {directories.slice(0, all ? undefined : shownAtFirst).map((directory) => (
          <DirectoryRow
            key={directory.path}
            directory={directory}
            onMove={isMovable(directory, container.mounts) ? () => setMoving(directory) : undefined}
          />
        ))}
      </ul>
      {!all && directories.length > shownAtFirst && (
        <Button size="small" variant="ghost" className="mt-1 -ml-2" onClick={() => setAll(true)}>
          {t('details.dataLoss.more', { count: directories.length - shownAtFirst })}
        </Button>
      )}
      {moving && <MoveDialog container={container} path={moving.path} onClose={() => setMoving(undefined)} />}
    </Card>
  );
}

function DirectoryRow({
  directory,
  onMove,
}: {
  directory: WrittenDirectory;
  onMove: (() => void) | undefined;
}) {
  const { t } = useTranslation();
  const { path, addedFiles, changedFiles, deletedFiles } = directory;
  const counts = [
    addedFiles > 0 && t('details.dataLoss.added', { count: addedFiles }),
    changedFiles > 0 && t('details.dataLoss.changed', { count: changedFiles }),
    deletedFiles > 0 && t('details.dataLoss.deleted', { count: deletedFiles }),
  ];
  return (
    <li className="flex min-w-0 items-center gap-3 py-1.5">
      <div className="min-w-0 flex-1">
        <p className="flex min-w-0 items-center gap-2">
          <span className="truncate font-mono text-sm" title={path}>
            {path}
          </span>
          {isPassing(directory) && <Badge>{t('details.dataLoss.passing')}</Badge>}
        </p>
        <p className="text-faint truncate text-sm">{counts.filter(Boolean).join(', ')}</p>
      </div>
      <span className="shrink-0">{formatBytes(bytesOf(directory))}</span>
      {onMove && (
        <Button size="small" aria-label={t('details.dataLoss.moveNamed', { path })} onClick={onMove}>
          {t('details.dataLoss.move')}
        </Button>
      )}
    </li>
  );
}
