import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input } from '../../design/field.tsx';
import { PairRows } from '../../design/pair-rows.tsx';
import { toast } from '../../design/toast.tsx';
import { emptyVolumeForm, toVolumeRequest, validateVolumeForm } from './volume-form.ts';
import type { VolumeErrors, VolumeForm } from './volume-form.ts';

type TextField = Exclude<keyof VolumeForm, 'labels'>;

export function CreateVolumeDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [form, setForm] = useState(emptyVolumeForm);
  const [errors, setErrors] = useState<VolumeErrors>({});
  const [failure, setFailure] = useState<string>();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found = validateVolumeForm(form);
    setErrors(found);
    if (Object.keys(found).length > 0) return;
    try {
      const created = await api.volumes.create(toVolumeRequest(form));
      void queryClient.invalidateQueries({ queryKey: queries.volumes.key() });
      toast('good', t('volumes.created', { name: created.name }));
      onClose();
    } catch (error) {
      setFailure(toFailure(error).message);
    }
  };
  const input = (field: TextField, placeholder: string, error?: string, hint?: string) => (
    <Field label={t(`volumes.${field}`)} error={error} hint={hint}>
      {(control) => (
        <Input
          {...control}
          autoFocus={field === 'name'}
          placeholder={placeholder}
          value={form[field]}
          onChange={(event) => setForm({ ...form, [field]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <Dialog
      open
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
      <form id={formId} noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {failure && (
          <p role="alert" className="bg-bad-soft text-bad rounded-lg px-3 py-2 break-words">
            {failure}
          </p>
        )}
        {input('name', t('volumes.namePlaceholder'), errors.name && t(`volumes.${errors.name}`))}
        <fieldset className="min-w-0">
          <legend className="text-muted mb-1 text-sm font-semibold">{t('volumes.driverOptions')}</legend>
          <p className="text-faint mb-2 text-sm">{t('volumes.driverOptionsHint')}</p>
          <div className="grid grid-cols-2 gap-3">
            {input('type', 'nfs, cifs, tmpfs, none', errors.type && t(`volumes.${errors.type}`))}
            {input('device', ':/export', errors.device && t(`volumes.${errors.device}`))}
            {input('o', 'addr=10.0.0.2,rw', undefined, t('volumes.oHint'))}
            {input('size', '10G', undefined, t('volumes.sizeHint'))}
          </div>
        </fieldset>
        <PairRows
          title={t('common.labels')}
          rows={form.labels}
          onChange={(labels) => setForm({ ...form, labels })}
          addLabel={t('volumes.addLabel')}
          removeLabel={t('volumes.removeLabel')}
          nameLabel={t('volumes.labelName')}
          valueLabel={t('volumes.labelValue')}
          problemOf={({ key }) => errors.labels?.[key] && t(`volumes.${errors.labels[key]}`)}
        />
      </form>
    </Dialog>
  );
}
