import type { TFunction } from 'i18next';
import { Trash2 } from 'lucide-react';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { Badge } from '../../design/badge.tsx';
import { IconButton } from '../../design/button.tsx';
import type { TableColumn } from '../../design/data-table-model.ts';
import { formatBytes } from '../../format/bytes.ts';
import { formatAgo } from '../../format/time.ts';
import { isAnonymous, titleOf } from './volume-names.ts';
import { VolumeUsers } from './volume-users.tsx';

export function volumeColumns({
  t,
  language,
  now,
  onRemove,
}: {
  t: TFunction;
  language: string;
  now: number;
  onRemove: (volume: VolumeSummary) => void;
}): TableColumn<VolumeSummary>[] {
  return [
    {
      id: 'name',
      header: t('common.name'),
      width: 'minmax(9rem, 2fr)',
      sortValue: (volume) => volume.name,
      cell: (volume) => (
        <span className="flex min-w-0 items-center gap-2">
          <span className="truncate font-semibold" title={volume.name}>
            {titleOf(volume)}
          </span>
          {isAnonymous(volume) && <Badge>{t('volumes.anonymous')}</Badge>}
        </span>
      ),
    },
    {
      id: 'usedBy',
      header: t('common.usedBy'),
      width: 'minmax(8rem, 2fr)',
      sortValue: (volume) => volume.usedBy.length,
      cell: (volume) => <VolumeUsers users={volume.usedBy} />,
    },
    {
      id: 'driver',
      header: t('common.driver'),
      width: '5rem',
      fromWidth: 820,
      cell: (volume) => <span className="text-muted truncate">{volume.driver}</span>,
    },
    {
      id: 'created',
      header: t('common.created'),
      width: '8rem',
      fromWidth: 640,
      align: 'end',
      sortValue: (volume) => (volume.createdAt === undefined ? undefined : -volume.createdAt),
      cell: (volume) => (
        <span className="text-muted">
          {volume.createdAt === undefined ? '' : formatAgo(volume.createdAt, now, language)}
        </span>
      ),
    },
    {
      id: 'size',
      header: t('common.size'),
      width: '5.5rem',
      align: 'end',
      sortValue: (volume) => volume.sizeBytes,
      cell: (volume) =>
        volume.sizeBytes === undefined ? (
          <span className="text-faint">–</span>
        ) : (
          formatBytes(volume.sizeBytes)
        ),
    },
    {
      id: 'actions',
      header: '',
      width: '2rem',
      cell: (volume) => (
        <IconButton
          label={t('volumes.removeNamed', { name: volume.name })}
          hint={t('common.remove')}
          shortcut="Delete"
          icon={Trash2}
          danger
          onClick={() => onRemove(volume)}
        />
      ),
    },
  ];
}
