import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FileEntry, FilePlace } from '../../../electron/api/types.ts';
import { toFailure } from '../api/failure.ts';
import { confirm } from '../design/confirm.tsx';
import { toast } from '../design/toast.tsx';
import { uploadFile } from './file-transfer.ts';
import { joinPath } from './file-view.ts';

/**
 * Uploads into a folder, one file after the other; a failed one does not stop the rest. Asks before it replaces what
 * is in `entries`, the folder as far as it is known.
 */
export function useUpload(folder: FilePlace, entries: readonly FileEntry[], onDone: () => void) {
  const { t } = useTranslation();
  const [progress, setProgress] = useState<string>();
  const upload = async (files: File[]) => {
    const replaced = files
      .map(({ name }) => name)
      .filter((name) => entries.some((entry) => entry.name === name));
    if (replaced.length > 0) {
      const question = { title: t('files.replaceTitle'), body: t('files.replaceBody'), losses: replaced };
      if (!(await confirm({ ...question, action: t('files.replace') })).confirmed) return;
    }
    for (const file of files) {
      const { name } = file;
      const tell = (sent: number) =>
        setProgress(
          t('files.uploading', { name, percent: Math.floor((sent / Math.max(1, file.size)) * 100) }),
        );
      tell(0);
      try {
        await uploadFile({ ...folder, path: joinPath(folder.path, name) }, file, tell);
        toast('good', t('files.uploaded', { name }));
      } catch (error) {
        toast('bad', t('files.uploadFailed', { name }), toFailure(error).message);
      }
    }
    setProgress(undefined);
    onDone();
  };
  return { upload, progress };
}
