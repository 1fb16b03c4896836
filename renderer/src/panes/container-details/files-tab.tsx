import type { TFunction } from 'i18next';
import { CornerLeftUp, Download, File, FileQuestion, Folder, FolderOpen, Link2, Upload } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails, FileEntry } from '../../../../electron/api/types.ts';
import { toFailure } from '../../api/failure.ts';
import { Button, IconButton } from '../../design/button.tsx';
import { DataTable } from '../../design/data-table.tsx';
import type { TableColumn } from '../../design/data-table-model.ts';
import { EmptyState, ErrorState, SkeletonRows } from '../../design/states.tsx';
import { toast } from '../../design/toast.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { formatDateTime } from '../../format/time.ts';
import { FilePreview } from './file-preview.tsx';
import { downloadFile, maxUploadBytes, uploadFile } from './file-transfer.ts';
import { ancestors, formatMode, joinPath, nameSortKey } from './file-view.ts';
import { useFiles } from './use-files.ts';

const icons = { directory: Folder, file: File, symlink: Link2, other: FileQuestion };

function fileColumns(
  t: TFunction,
  language: string,
  onDownload: (entry: FileEntry) => void,
): TableColumn<FileEntry>[] {
  return [
    {
      id: 'name',
      header: t('common.name'),
      width: 'minmax(10rem, 3fr)',
      sortValue: nameSortKey,
      cell: (entry) => {
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
      },
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
      header: t('details.filesPane.mode'),
      width: '6.5rem',
      cell: (entry) => <code className="text-muted text-sm">{formatMode(entry)}</code>,
    },
    {
      id: 'modified',
      header: t('details.filesPane.modified'),
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
      width: '2rem',
      cell: (entry) => (
        <IconButton
          label={t('details.filesPane.download', { name: entry.name })}
          icon={Download}
          onClick={() => onDownload(entry)}
        />
      ),
    },
  ];
}

export function FilesTab({ container }: { container: ContainerDetails }) {
  const { t, i18n } = useTranslation();
  const [path, setPath] = useState('/');
  const [previewed, setPreviewed] = useState<string>();
  const [busy, setBusy] = useState(false);
  const picker = useRef<HTMLInputElement>(null);
  const query = useFiles(container.id, path);

  const columns = useMemo(() => {
    const onDownload = (entry: FileEntry) => {
      downloadFile(container.id, joinPath(path, entry.name), entry.name).catch((error: unknown) =>
        toast('bad', toFailure(error).message),
      );
    };
    return fileColumns(t, i18n.language, onDownload);
  }, [t, i18n.language, container.id, path]);

  const upload = async (files: File[]) => {
    setBusy(true);
    for (const file of files) {
      try {
        if (file.size > maxUploadBytes) throw new Error(t('details.filesPane.tooLarge', { name: file.name }));
        await uploadFile(container.id, path, file);
        toast('good', t('details.filesPane.uploaded', { name: file.name }));
      } catch (error) {
        toast('bad', toFailure(error).message);
      }
    }
    setBusy(false);
    void query.refetch();
  };

  const open = (entry: FileEntry) => {
    const target = joinPath(path, entry.name);
    if (entry.type === 'directory' || entry.type === 'symlink') setPath(target);
    else if (entry.type === 'file') setPreviewed(target);
  };

  return (
    <div
      className="flex h-full min-h-0 flex-col"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void upload([...event.dataTransfer.files]);
      }}
    >
      <div className="flex shrink-0 items-center gap-2 px-5 py-2">
        <IconButton
          label={t('details.filesPane.up')}
          icon={CornerLeftUp}
          disabled={path === '/'}
          onClick={() => setPath(joinPath(path, '..'))}
          className="-ml-1.5"
        />
        <nav
          aria-label={t('details.filesPane.path')}
          className="flex min-w-0 flex-1 items-center overflow-x-auto"
        >
          {ancestors(path).map((crumb, index, all) => (
            <span key={crumb.path} className="flex shrink-0 items-center">
              {index > 1 && <span className="text-faint">/</span>}
              <button
                type="button"
                aria-label={crumb.path === '/' ? t('details.filesPane.root') : undefined}
                aria-current={index === all.length - 1 ? 'location' : undefined}
                onClick={() => setPath(crumb.path)}
                className="hover:bg-hover aria-[current]:text-text text-muted rounded-sm px-1 font-mono text-sm aria-[current]:font-semibold"
              >
                {crumb.name}
              </button>
            </span>
          ))}
        </nav>
        <Button size="small" icon={Upload} busy={busy} onClick={() => picker.current?.click()}>
          {t('details.filesPane.upload')}
        </Button>
        <input
          ref={picker}
          type="file"
          multiple
          hidden
          onChange={(event) => {
            void upload([...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
      </div>
      <div className="border-line min-h-0 flex-1 border-t">
        {query.isPending ? (
          <SkeletonRows height={42} />
        ) : query.isError ? (
          <ErrorState error={query.error} retry={() => void query.refetch()} />
        ) : (
          <DataTable
            key={path}
            id="files"
            label={t('details.filesPane.label', { path })}
            rows={query.data}
            columns={columns}
            rowId={(entry) => entry.name}
            rowName={(entry) => entry.name}
            initialSort={{ id: 'name', desc: false }}
            onOpen={open}
            empty={<EmptyState icon={FolderOpen} title={t('details.filesPane.empty')} />}
          />
        )}
      </div>
      {previewed && (
        <FilePreview id={container.id} path={previewed} onClose={() => setPreviewed(undefined)} />
      )}
    </div>
  );
}
