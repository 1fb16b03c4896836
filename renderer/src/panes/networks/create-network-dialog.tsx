import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Checkbox, Field, Input } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { validateNetworkForm } from './network-form.ts';
import type { NetworkErrors, NetworkForm } from './network-form.ts';

export function CreateNetworkDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [form, setForm] = useState<NetworkForm>({ name: '', subnet: '', gateway: '', internal: false });
  const [errors, setErrors] = useState<NetworkErrors>({});
  const [failure, setFailure] = useState<string>();
  const change = (part: Partial<NetworkForm>) => setForm({ ...form, ...part });
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const found = validateNetworkForm(form);
    setErrors(found);
    if (found.subnet || found.gateway) return;
    try {
      await api.networks.create({
        name: form.name.trim(),
        subnet: form.subnet.trim() || undefined,
        gateway: form.gateway.trim() || undefined,
        internal: form.internal,
        labels: {},
      });
      void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
      toast('good', t('networks.created', { name: form.name.trim() }));
      onClose();
    } catch (error) {
      setFailure(toFailure(error).message);
    }
  };
  return (
    <Dialog
      open
      width="small"
      title={t('networks.create')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId} disabled={form.name.trim() === ''}>
            {t('common.create')}
          </Button>
        </>
      }
    >
      <form id={formId} noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-3">
        {failure && (
          <p role="alert" className="bg-bad-soft text-bad rounded-lg px-3 py-2 break-words">
            {failure}
          </p>
        )}
        <Field label={t('networks.name')}>
          {(control) => (
            <Input
              {...control}
              autoFocus
              value={form.name}
              onChange={(event) => change({ name: event.target.value })}
            />
          )}
        </Field>
        <Field label={t('networks.subnet')} error={errors.subnet && t(`networks.${errors.subnet}`)}>
          {(control) => (
            <Input
              {...control}
              placeholder={t('networks.subnetPlaceholder')}
              value={form.subnet}
              onChange={(event) => change({ subnet: event.target.value })}
            />
          )}
        </Field>
        <Field label={t('networks.gateway')} error={errors.gateway && t(`networks.${errors.gateway}`)}>
          {(control) => (
            <Input
              {...control}
              placeholder={t('networks.gatewayPlaceholder')}
              value={form.gateway}
              onChange={(event) => change({ gateway: event.target.value })}
            />
          )}
        </Field>
        <Checkbox
          label={t('networks.internal')}
          hint={t('networks.internalHint')}
          checked={form.internal}
          onChange={(internal) => change({ internal })}
        />
      </form>
    </Dialog>
  );
}
