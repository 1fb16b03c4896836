import { FolderOpen, FolderPlus } from 'lucide-react';
import { useCallback, useMemo, useState } from 'react';
import type { DragEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { FileEntry, FilePlace } from '../../../electron/api/types.ts';
import { api } from '../api/client.ts';
import { toFailure } from '../api/failure.ts';
import { Button } from '../design/button.tsx';
import { cx } from '../design/class-names.ts';
import { DataTable } from '../design/data-table.tsx';
import { EmptyState, ErrorState, SkeletonRows } from '../design/states.tsx';
import { TextDialog } from '../design/text-dialog.tsx';
import { toast } from '../design/toast.tsx';
import { useTask } from '../engine-objects/use-task.ts';
import { fileColumns } from './file-columns.tsx';
import { FileEditor } from './file-editor.tsx';
import { downloadFile } from './file-transfer.ts';
import { isFileName, joinPath } from './file-view.ts';
import { PathBar } from './path-bar.tsx';
import { UploadButton } from './upload-button.tsx';
import { useFiles } from './use-files.ts';
import { useUpload } from './use-upload.ts';

const none: FileEntry[] = [];

/** The files of a container, running or not, or of a volume. */
export function FileBrowser({ of }: { of: Pick<FilePlace, 'kind' | 'id'> }) {
  const { t, i18n } = useTranslation();
  const { kind, id } = of;
  const [path, setPath] = useState('/');
  const [edited, setEdited] = useState<string>();
  const [asked, setAsked] = useState<{ rename?: string }>();
  const folder = useMemo(() => ({ kind, id, path }), [kind, id, path]);
  const query = useFiles(folder);
  const { refetch: read } = query;
  const refetch = useCallback(() => void read(), [read]);
  const { upload, progress } = useUpload(folder, query.data ?? none, refetch);
  const drop = useDrop((files) => void upload(files));
  const remove = useRemove(folder, refetch);

  const columns = useMemo(
    () =>
      fileColumns(t, i18n.language, {
        onDownload: ({ name }) => void download({ ...folder, path: joinPath(folder.path, name) }, name),
        onRename: ({ name }) => setAsked({ rename: name }),
        onRemove: (entry) => void remove(entry),
      }),
    [t, i18n.language, folder, remove],
  );
  const open = (entry: FileEntry) => {
    const target = joinPath(path, entry.name);
    if (entry.type === 'directory' || entry.type === 'symlink') setPath(target);
    else if (entry.type === 'file') setEdited(target);
  };

  return (
    <div className="relative flex h-full min-h-0 flex-col" {...drop.handlers}>
      <div className="flex shrink-0 items-center gap-2 px-5 py-2">
        <PathBar path={path} onPath={setPath} />
        <Button size="small" icon={FolderPlus} onClick={() => setAsked({})}>
          {t('files.newFolder')}
        </Button>
        <UploadButton progress={progress} onFiles={(files) => void upload(files)} />
      </div>
      <div className="border-line min-h-0 flex-1 border-t">
        {query.isPending ? (
          <SkeletonRows height={42} />
        ) : query.isError ? (
          <ErrorState error={query.error} retry={refetch} />
        ) : (
          <DataTable
            key={path}
            id="files"
            label={t('files.label', { path })}
            rows={query.data}
            columns={columns}
            rowId={(entry) => entry.name}
            rowName={(entry) => entry.name}
            initialSort={{ id: 'name', desc: false }}
            onOpen={open}
            onRowKey={(entry, key) => {
              if (key !== 'Delete') return false;
              void remove(entry);
              return true;
            }}
            empty={<EmptyState icon={FolderOpen} title={t('files.empty')} body={t('files.emptyBody')} />}
          />
        )}
      </div>
      {drop.over && <DropHint />}
      {edited && (
        <FileEditor
          place={{ kind, id, path: edited }}
          onSaved={refetch}
          onClose={() => setEdited(undefined)}
        />
      )}
      {asked && (
        <NameDialog
          folder={folder}
          from={asked.rename}
          onDone={() => {
            setAsked(undefined);
            refetch();
          }}
          onClose={() => setAsked(undefined)}
        />
      )}
    </div>
  );
}

async function download(place: FilePlace, name: string): Promise<void> {
  await downloadFile(place, name).catch((error: unknown) => toast('bad', toFailure(error).message));
}

function useRemove(folder: FilePlace, onDone: () => void) {
  const { t } = useTranslation();
  const { perform } = useTask();
  return useCallback(
    async ({ name, type }: FileEntry) => {
      const done = await perform({
        question: {
          title: t('files.removeTitle', { name }),
          body: t(type === 'directory' ? 'files.removeFolderBody' : 'files.removeBody'),
          action: t('common.remove'),
        },
        work: () => api.files.remove({ ...folder, path: joinPath(folder.path, name) }),
        done: t('files.removed', { name }),
        failed: t('files.removeFailed', { name }),
      });
      if (done) onDone();
    },
    [folder, onDone, perform, t],
  );
}

/** Files dragged over the browser, from outside. */
function useDrop(onFiles: (files: File[]) => void) {
  const [over, setOver] = useState(false);
  const isFiles = (event: DragEvent) => event.dataTransfer.types.includes('Files');
  const handlers = {
    onDragOver: (event: DragEvent) => {
      if (!isFiles(event)) return;
      event.preventDefault();
      setOver(true);
    },
    onDragLeave: (event: DragEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
    },
    onDrop: (event: DragEvent) => {
      event.preventDefault();
      setOver(false);
      onFiles([...event.dataTransfer.files]);
    },
  };
  return { over, handlers };
}

function DropHint() {
  const { t } = useTranslation();
  return (
    <div
      className={cx(
        'border-accent bg-accent-soft text-accent pointer-events-none absolute inset-3 z-10 rounded-xl border-2 border-dashed',
        'flex items-center justify-center text-lg font-semibold',
      )}
    >
      {t('files.drop')}
    </div>
  );
}

/** A new folder, or another name for `from`. */
function NameDialog({
  folder,
  from,
  onDone,
  onClose,
}: {
  folder: FilePlace;
  from: string | undefined;
  onDone: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const at = (name: string) => ({ ...folder, path: joinPath(folder.path, name) });
  return (
    <TextDialog
      title={from === undefined ? t('files.newFolder') : t('files.renameTitle', { name: from })}
      label={t('common.name')}
      initial={from}
      submitLabel={from === undefined ? t('common.create') : t('files.rename')}
      validate={(name) => (isFileName(name) ? undefined : t('files.nameInvalid'))}
      submit={async (name) => {
        if (from === undefined) await api.files.makeDirectory(at(name));
        else if (name !== from) await api.files.rename({ ...at(from), to: at(name).path });
        onDone();
      }}
      onClose={onClose}
    />
  );
}
