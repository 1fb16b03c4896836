import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { ProgressBar } from '../../design/progress-bar.tsx';
import { toast } from '../../design/toast.tsx';
import { uploadArchive } from './upload-archive.ts';

/** Makes an image of one layer from a root file system (`docker import`). */
export function ImportDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [file, setFile] = useState<File>();
  const [name, setName] = useState('');
  const [sent, setSent] = useState<number>();
  const [error, setError] = useState<string>();
  const send = async (event: FormEvent) => {
    event.preventDefault();
    if (!file) return;
    setError(undefined);
    setSent(0);
    try {
      await uploadArchive(file, setSent, name.trim());
      toast('good', t('images.imported', { name: name.trim() }));
      void queryClient.invalidateQueries({ queryKey: queries.images.key() });
      onClose();
    } catch (cause) {
      setError(toFailure(cause).message);
      setSent(undefined);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={t('images.importTitle')}
      description={t('images.importBody')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button
            variant="primary"
            type="submit"
            form={formId}
            busy={sent !== undefined}
            disabled={!file || name.trim() === ''}
          >
            {t('images.import')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void send(event)} className="flex flex-col gap-3">
        <Field label={t('images.importFile')}>
          {(control) => (
            <input
              {...control}
              type="file"
              accept=".tar,.tar.gz,.tgz,.tar.xz,.tar.zst,.tar.bz2"
              onChange={(event) => setFile(event.target.files?.[0])}
            />
          )}
        </Field>
        <Field label={t('images.tagLabel')} error={error}>
          {(control) => (
            <Input
              {...control}
              placeholder="team/rootfs:1.0"
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
        {file && sent !== undefined && (
          <ProgressBar label={t('images.importTitle')} value={sent / Math.max(1, file.size)} />
        )}
      </form>
    </Dialog>
  );
}
