import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { isVolumeName } from './volume-names.ts';

export function CreateVolumeDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [name, setName] = useState('');
  const [error, setError] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isVolumeName(name.trim())) {
      setError(t('volumes.nameInvalid'));
      return;
    }
    try {
      const created = await api.volumes.create({ name: name.trim(), labels: {} });
      void queryClient.invalidateQueries({ queryKey: queries.volumes.key() });
      toast('good', t('volumes.created', { name: created.name }));
      onClose();
    } catch (cause) {
      setError(toFailure(cause).message);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={t('volumes.create')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId}>
            {t('common.create')}
          </Button>
        </>
      }
    >
      <form id={formId} onSubmit={(event) => void submit(event)}>
        <Field label={t('volumes.name')} error={error}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              placeholder={t('volumes.namePlaceholder')}
              value={name}
              onChange={(event) => setName(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
