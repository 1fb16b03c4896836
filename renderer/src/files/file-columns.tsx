import type { TFunction } from 'i18next';
import { Download, Ellipsis, File, FileQuestion, Folder, Link2, PencilLine, Trash2 } from 'lucide-react';
import type { FileEntry } from '../../../electron/api/types.ts';
import { IconButton } from '../design/button.tsx';
import type { TableColumn } from '../design/data-table-model.ts';
import { Menu } from '../design/menu.tsx';
import { formatBytes } from '../format/bytes.ts';
import { formatDateTime } from '../format/time.ts';
import { formatMode, nameSortKey } from './file-view.ts';

const icons = { directory: Folder, file: File, symlink: Link2, other: FileQuestion };

interface FileVerbs {
  onDownload: (entry: FileEntry) => void;
  onRename: (entry: FileEntry) => void;
  onRemove: (entry: FileEntry) => void;
}

export function fileColumns(t: TFunction, language: string, verbs: FileVerbs): TableColumn<FileEntry>[] {
  return [
    {
      id: 'name',
      header: t('common.name'),
      width: 'minmax(10rem, 3fr)',
      sortValue: nameSortKey,
      cell: (entry) => <FileName entry={entry} />,
    },
    {
      id: 'size',
      header: t('common.size'),
      width: '5.5rem',
      align: 'end',
      sortValue: (entry) => (entry.type === 'file' ? entry.sizeBytes : -1),
      cell: (entry) => (
        <span className="text-muted">{entry.type === 'file' ? formatBytes(entry.sizeBytes) : ''}</span>
      ),
    },
    {
      id: 'mode',
      header: t('files.mode'),
      width: '6.5rem',
      cell: (entry) => <code className="text-muted text-sm">{formatMode(entry)}</code>,
    },
    {
      id: 'modified',
      header: t('files.modified'),
      width: '12.5rem',
      fromWidth: 700,
      sortValue: (entry) => entry.modifiedAt,
      cell: (entry) => (
        <span className="text-muted truncate">{formatDateTime(entry.modifiedAt, language)}</span>
      ),
    },
    {
      id: 'actions',
      header: '',
      width: '4rem',
      cell: (entry) => <FileActions entry={entry} t={t} {...verbs} />,
    },
  ];
}

function FileName({ entry }: { entry: FileEntry }) {
  const Icon = icons[entry.type];
  return (
    <span className="flex min-w-0 items-center gap-2.5">
      <Icon
        size={15}
        aria-hidden
        className={entry.type === 'directory' ? 'text-accent shrink-0' : 'text-faint shrink-0'}
      />
      <span className="truncate" title={entry.name}>
        {entry.name}
      </span>
      {entry.linkTarget && <span className="text-faint truncate text-sm">→ {entry.linkTarget}</span>}
    </span>
  );
}

function FileActions({
  entry,
  t,
  onDownload,
  onRename,
  onRemove,
}: FileVerbs & { entry: FileEntry; t: TFunction }) {
  return (
    <span className="flex">
      <IconButton
        label={t('files.download', { name: entry.name })}
        icon={Download}
        onClick={() => onDownload(entry)}
      />
      <Menu
        trigger={<IconButton label={t('common.actionsFor', { name: entry.name })} icon={Ellipsis} />}
        items={[
          { label: t('files.rename'), icon: PencilLine, run: () => onRename(entry) },
          'separator',
          {
            label: t('common.remove'),
            icon: Trash2,
            danger: true,
            shortcut: 'Delete',
            run: () => onRemove(entry),
          },
        ]}
      />
    </span>
  );
}
