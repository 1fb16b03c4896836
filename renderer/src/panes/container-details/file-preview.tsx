import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Button } from '../../design/button.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { Drawer } from '../../design/dialog.tsx';
import { ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { toast } from '../../design/toast.tsx';
import { downloadFile } from './file-transfer.ts';

/** A text file, as text. */
export function FilePreview({ id, path, onClose }: { id: string; path: string; onClose: () => void }) {
  const { t } = useTranslation();
  const name = path.split('/').at(-1) ?? path;
  const query = useQuery({
    ...queries.files.read.queryOptions({ input: { id, path } }),
    staleTime: 0,
    gcTime: 0,
  });
  const file = query.data;
  return (
    <Drawer
      open
      title={name}
      subtitle={path}
      onClose={onClose}
      actions={
        <>
          {file?.encoding === 'utf8' && <CopyButton text={file.content} />}
          <Button
            size="small"
            icon={Download}
            aria-label={t('details.filesPane.download', { name })}
            onClick={() =>
              void downloadFile(id, path, name).catch((error: unknown) =>
                toast('bad', toFailure(error).message),
              )
            }
          >
            {t('details.logs.download')}
          </Button>
        </>
      }
    >
      {query.isPending && <SkeletonBlock />}
      {query.isError && <ErrorState error={query.error} />}
      {file?.encoding === 'base64' && <p className="text-muted">{t('details.filesPane.binary')}</p>}
      {file?.encoding === 'utf8' && (
        <>
          {file.truncated && (
            <p className="bg-warn-soft mb-3 rounded-md px-3 py-2">{t('details.filesPane.truncated')}</p>
          )}
          <pre
            tabIndex={0}
            className="text-sm leading-5 break-words whitespace-pre-wrap [overflow-wrap:anywhere]"
          >
            {file.content}
          </pre>
        </>
      )}
    </Drawer>
  );
}
