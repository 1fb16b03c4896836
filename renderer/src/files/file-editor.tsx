import { useQuery } from '@tanstack/react-query';
import { Download, Save } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FilePlace } from '../../../electron/api/types.ts';
import { api, queries } from '../api/client.ts';
import { toFailure } from '../api/failure.ts';
import { CodeEditor } from '../code-editor/code-editor.tsx';
import { Button } from '../design/button.tsx';
import { confirm } from '../design/confirm.tsx';
import { Drawer } from '../design/dialog.tsx';
import { ErrorState, SkeletonBlock } from '../design/states.tsx';
import { toast } from '../design/toast.tsx';
import { downloadFile } from './file-transfer.ts';
import { withLineEnds } from './file-view.ts';

const plainText = [] as const;
const noDiagnostics = () => Promise.resolve([]);

/** A text file to look at and change; what is too large or no text can be downloaded. */
export function FileEditor({
  place,
  onSaved,
  onClose,
}: {
  place: FilePlace;
  onSaved: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const name = place.path.split('/').at(-1) ?? place.path;
  const query = useQuery({
    ...queries.files.read.queryOptions({ input: place }),
    staleTime: 0,
    gcTime: 0,
    // Never under the hands of who edits it.
    refetchOnWindowFocus: false,
    refetchOnReconnect: false,
  });
  const file = query.data;
  const [text, setText] = useState<string>();
  const [saved, setSaved] = useState<string>();
  const [busy, setBusy] = useState(false);
  const isText = file?.encoding === 'utf8';
  const original = isText ? file.content : undefined;
  const changed = text !== undefined && text !== (saved ?? original?.replaceAll('\r\n', '\n'));

  const save = async () => {
    if (!changed || original === undefined) return;
    setBusy(true);
    try {
      await api.files.write({ ...place, text: withLineEnds(original, text) });
      setSaved(text);
      toast('good', t('files.saved', { name }));
      onSaved();
    } catch (error) {
      toast('bad', t('files.saveFailed', { name }), toFailure(error).message);
    } finally {
      setBusy(false);
    }
  };
  const close = async () => {
    if (changed) {
      const question = { title: t('files.discardTitle'), body: t('files.discardBody', { name }) };
      if (!(await confirm({ ...question, action: t('files.discard') })).confirmed) return;
    }
    onClose();
  };

  return (
    <Drawer
      open
      title={name}
      subtitle={place.path}
      onClose={() => void close()}
      actions={
        <>
          <Button
            size="small"
            icon={Download}
            aria-label={t('files.download', { name })}
            onClick={() =>
              void downloadFile(place, name).catch((error: unknown) => toast('bad', toFailure(error).message))
            }
          >
            {t('files.downloadShort')}
          </Button>
          {isText && !file.truncated && (
            <Button
              size="small"
              variant="primary"
              icon={Save}
              busy={busy}
              disabled={!changed}
              onClick={() => void save()}
            >
              {t('common.save')}
            </Button>
          )}
        </>
      }
    >
      {query.isPending && <SkeletonBlock />}
      {query.isError && <ErrorState error={query.error} />}
      {file?.encoding === 'base64' && <p className="text-muted">{t('files.binary')}</p>}
      {isText && file.truncated && (
        <>
          <p className="bg-warn-soft mb-3 rounded-md px-3 py-2">{t('files.truncated')}</p>
          <pre
            tabIndex={0}
            className="text-sm leading-5 break-words whitespace-pre-wrap [overflow-wrap:anywhere]"
          >
            {file.content}
          </pre>
        </>
      )}
      {isText && !file.truncated && (
        <div className="border-line h-[calc(100vh-6.5rem)] overflow-hidden rounded-lg border">
          <CodeEditor
            label={t('files.editor', { name })}
            initialText={file.content}
            language={plainText}
            validate={noDiagnostics}
            onChange={setText}
            onSave={() => void save()}
          />
        </div>
      )}
    </Drawer>
  );
}
