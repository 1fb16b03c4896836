import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';

export function TagDialog({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [tag, setTag] = useState('');
  const [error, setError] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    try {
      await api.images.tag({ id, tag: tag.trim() });
      toast('good', t('images.tagged', { name: tag.trim() }));
      onClose();
    } catch (cause) {
      setError(toFailure(cause).message);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={t('images.tagTitle', { name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId} disabled={tag.trim() === ''}>
            {t('images.tag')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void submit(event)}>
        <Field label={t('images.tagLabel')} error={error}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              placeholder="example.com/team/app:1.0"
              value={tag}
              onChange={(event) => setTag(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
