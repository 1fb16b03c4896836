import { useId, useMemo, useState } from 'react';
import type { FormEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ApiFailure, NetworkSummary } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { queryClient } from '../../api/query-client.ts';
import { Button } from '../../design/button.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { Dialog } from '../../design/dialog.tsx';
import { Checkbox, Field, Input, Select } from '../../design/field.tsx';
import { toast } from '../../design/toast.tsx';
import { DriverFields } from './driver-fields.tsx';
import { drivers, knownOptions, knownValues } from './driver-options.ts';
import type { Driver } from './driver-options.ts';
import { FailureNote } from './failure-note.tsx';
import { checkNetworkForm, emptyNetworkForm, toCommandLine, toNetworkRequest } from './network-form.ts';
import type { NetworkForm } from './network-form.ts';
import { PairRows } from './pair-rows.tsx';
import { PoolRows } from './pool-rows.tsx';

interface CreateNetworkDialogProps {
  existing: readonly NetworkSummary[];
  onClose: () => void;
}

/** Says while typing what cannot be; the rest is the engine's to say. */
export function CreateNetworkDialog({ existing, onClose }: CreateNetworkDialogProps) {
  const { t } = useTranslation();
  const formId = useId();
  const [form, setForm] = useState<NetworkForm>(emptyNetworkForm);
  const [failure, setFailure] = useState<ApiFailure>();
  const [busy, setBusy] = useState(false);
  const problems = useMemo(() => checkNetworkForm(form, existing), [form, existing]);
  const change = (part: Partial<NetworkForm>) => setForm({ ...form, ...part });
  const problemAt = (where: string) => {
    const found = problems[where];
    return found && t(`networks.problems.${found.problem}`, { with: found.with });
  };
  const isComplete = form.name.trim() !== '' && Object.keys(problems).length === 0;
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (!isComplete) return;
    setBusy(true);
    setFailure(undefined);
    try {
      const request = toNetworkRequest(form);
      await api.networks.create(request);
      void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
      toast('good', t('networks.created', { name: request.name }));
      onClose();
    } catch (error) {
      setFailure(toFailure(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      open
      width="large"
      title={t('networks.create')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.cancel')}</Button>
          <Button variant="primary" type="submit" form={formId} busy={busy} disabled={!isComplete}>
            {t('common.create')}
          </Button>
        </>
      }
    >
      <form id={formId} noValidate onSubmit={(event) => void submit(event)} className="flex flex-col gap-4">
        {failure && <FailureNote failure={failure} />}
        <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
          <Field label={t('networks.form.name')} error={problemAt('name')}>
            {(control) => (
              <Input
                {...control}
                autoFocus
                value={form.name}
                onChange={(event) => change({ name: event.target.value })}
              />
            )}
          </Field>
          <Field label={t('networks.form.driver')} hint={t(`networks.form.drivers.${form.driver}`)}>
            {(control) => (
              <Select
                {...control}
                value={form.driver}
                onChange={(event) => change({ driver: event.target.value as Driver, mode: '' })}
              >
                {drivers.map((driver) => (
                  <option key={driver}>{driver}</option>
                ))}
              </Select>
            )}
          </Field>
        </div>
        <DriverFields form={form} change={change} problemAt={problemAt} />
        <fieldset className="flex min-w-0 flex-col gap-2">
          <legend className="text-muted mb-1 text-sm font-semibold">{t('networks.form.addresses')}</legend>
          <div className="flex flex-wrap gap-x-6 gap-y-1">
            <Checkbox label="IPv4" checked={form.ipv4} onChange={(ipv4) => change({ ipv4 })} />
            <Checkbox label="IPv6" checked={form.ipv6} onChange={(ipv6) => change({ ipv6 })} />
          </div>
          {problemAt('family') && (
            <p role="alert" className="text-bad text-sm">
              {problemAt('family')}
            </p>
          )}
        </fieldset>
        <PoolRows pools={form.pools} onChange={(pools) => change({ pools })} problemAt={problemAt} />
        <fieldset className="flex min-w-0 flex-col gap-2">
          <legend className="text-muted mb-1 text-sm font-semibold">{t('networks.form.reach')}</legend>
          <Checkbox
            label={t('networks.internal')}
            hint={t('networks.form.internalHint')}
            checked={form.internal}
            onChange={(internal) => change({ internal })}
          />
          <Checkbox
            label={t('networks.form.attachable')}
            hint={t('networks.form.attachableHint')}
            checked={form.attachable}
            onChange={(attachable) => change({ attachable })}
          />
        </fieldset>
        <PairRows
          title={t('networks.form.options')}
          rows={form.options}
          onChange={(options) => change({ options })}
          addLabel={t('networks.form.addOption')}
          removeLabel={t('networks.form.removeOption')}
          nameLabel={t('networks.form.optionName')}
          valueLabel={t('networks.form.optionValue')}
          problemOf={(row) => problemAt(`options.${row.key}`)}
          names={knownOptions(form.driver)}
          valuesOf={(name) => knownValues(form.driver, name)}
        />
        <PairRows
          title={t('common.labels')}
          rows={form.labels}
          onChange={(labels) => change({ labels })}
          addLabel={t('networks.form.addLabel')}
          removeLabel={t('networks.form.removeLabel')}
          nameLabel={t('networks.form.labelName')}
          valueLabel={t('networks.form.labelValue')}
          problemOf={(row) => problemAt(`labels.${row.key}`)}
        />
        <CommandLine text={toCommandLine(form)} />
      </form>
    </Dialog>
  );
}

function CommandLine({ text }: { text: string }) {
  const { t } = useTranslation();
  return (
    <section aria-label={t('networks.form.command')}>
      <h3 className="text-muted text-sm font-semibold">{t('networks.form.command')}</h3>
      <div className="bg-hover mt-1 flex items-start gap-1 rounded-lg py-1 pr-1 pl-3">
        <code className="min-w-0 flex-1 py-1 text-sm [overflow-wrap:anywhere]">{text}</code>
        <CopyButton text={text} label={t('networks.form.copyCommand')} />
      </div>
    </section>
  );
}
