import { useId, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiFailure, NetworkDetails } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { useContainers } from '../../containers/use-containers.ts';
import { Button } from '../../design/button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Field, Input, Select } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { checkConnectForm, emptyConnectForm, toConnectRequest } from './connect-form.ts';
import type { ConnectForm } from './connect-form.ts';
import { endpointOptions } from './driver-options.ts';
import { FailureNote } from './failure-note.tsx';
import { PairRows } from './pair-rows.tsx';

interface ConnectDialogProps {
  network: NetworkDetails;
  onClose: () => void;
}

type TextField = 'ipv4' | 'ipv6' | 'mac' | 'aliases' | 'gatewayPriority';

/** One more network for a container, at once when it runs. */
export function ConnectDialog({ network, onClose }: ConnectDialogProps) {
  const { t } = useTranslation();
  const formId = useId();
  const containers = useContainers();
  const [form, setForm] = useState<ConnectForm>(emptyConnectForm);
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(false);
  const change = (part: Partial<ConnectForm>) => setForm({ ...form, ...part });
  const connected = new Set(network.endpoints.map(({ containerId }) => containerId));
  const others = (containers.data ?? [])
    .filter(({ id }) => !connected.has(id))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const problems = checkConnectForm(form, network);
  const isComplete = form.container !== '' && Object.keys(problems).length === 0;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isComplete) return;
    setBusy(true);
    setFailure(undefined);
    try {
      await api.networks.connect(toConnectRequest(form, network.id));
      void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
      const container = others.find(({ id }) => id === form.container)?.name ?? form.container;
      toast('good', t('networks.connect.done', { container, network: network.name }));
      onClose();
    } catch (error) {
      setFailure(toFailure(error));
      setBusy(false);
    }
  };
  const text = (field: TextField, label: string, placeholder = '', hint?: string) => (
    <Field
      label={label}
      hint={hint}
      error={field !== 'aliases' && problems[field] ? t(`networks.problems.${problems[field]}`) : undefined}
    >
      {(control) => (
        <Input
          {...control}
          placeholder={placeholder}
          value={form[field]}
          onChange={(event) => change({ [field]: event.target.value })}
        />
      )}
    </Field>
  );
  const anyAddress = t('networks.connect.addressPlaceholder');
  return (
    <Dialog
      open
      title={t('networks.connect.title', { name: network.name })}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId} busy={busy} disabled={!isComplete}>
            {t('networks.connect.action')}
          </Button>
        </>
      }
    >
      <form id={formId} noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {failure && <FailureNote failure={failure} />}
        <Field
          label={t('networks.connect.container')}
          hint={containers.data && others.length === 0 ? t('networks.connect.nobody') : undefined}
        >
          {(control) => (
            <Select
              {...control}
              value={form.container}
              disabled={others.length === 0}
              onChange={(event) => change({ container: event.target.value })}
            >
              <option value="">{t('networks.connect.choose')}</option>
              {others.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          {network.ipv4 && text('ipv4', t('networks.connect.address', { family: 'IPv4' }), anyAddress)}
          {network.ipv6 && text('ipv6', t('networks.connect.address', { family: 'IPv6' }), anyAddress)}
          {text('mac', t('networks.connect.mac'), t('networks.connect.macPlaceholder'))}
          {text('gatewayPriority', t('networks.connect.priority'), '0', t('networks.connect.priorityHint'))}
        </div>
        {text('aliases', t('networks.connect.aliases'), 'db, cache', t('networks.connect.aliasesHint'))}
        <PairRows
          title={t('networks.form.options')}
          rows={form.options}
          onChange={(options) => change({ options })}
          addLabel={t('networks.form.addOption')}
          removeLabel={t('networks.form.removeOption')}
          nameLabel={t('networks.form.optionName')}
          valueLabel={t('networks.form.optionValue')}
          problemOf={() => undefined}
          names={endpointOptions}
        />
      </form>
    </Dialog>
  );
}
