import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { Checkbox, Field, Input, Select } from '../../design/field.tsx';
import type { FieldsProps } from './basic-fields.tsx';
import type { RunForm } from './run-form.ts';

type TextField = {
  [K in keyof RunForm]: RunForm[K] extends string ? K : never;
}[keyof RunForm];

const policies = ['no', 'unless-stopped', 'on-failure', 'always'] as const;
const policyNames = {
  no: 'run.restartNo',
  'unless-stopped': 'run.restartUnlessStopped',
  'on-failure': 'run.restartOnFailure',
  always: 'run.restartAlways',
} as const;

export function AdvancedFields({ form, errors, change }: FieldsProps) {
  const { t } = useTranslation();
  const networks = useQuery(queries.networks.list.queryOptions());
  const error = (field: string) => errors[field] && t(`run.errors.${errors[field]}`);
  const text = (field: TextField, label: string, placeholder: string) => (
    <Field label={label} error={error(field)}>
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
  return (
    <div className="flex flex-col gap-4">
      <div className="grid grid-cols-1 gap-3 min-[640px]:grid-cols-3">
        {text('memory', t('run.memory'), t('run.memoryPlaceholder'))}
        {text('cpus', t('run.cpus'), t('run.cpusPlaceholder'))}
        {text('pids', t('run.pids'), t('run.pidsPlaceholder'))}
        <Field label={t('run.restart')}>
          {(control) => (
            <Select
              {...control}
              value={form.restartPolicy}
              onChange={(event) =>
                change({ restartPolicy: policies.find((policy) => policy === event.target.value) ?? 'no' })
              }
            >
              {policies.map((policy) => (
                <option key={policy} value={policy}>
                  {t(policyNames[policy])}
                </option>
              ))}
            </Select>
          )}
        </Field>
        {form.restartPolicy === 'on-failure' && text('restartRetries', t('run.retries'), t('run.unlimited'))}
        <Field label={t('run.network')}>
          {(control) => (
            <Select
              {...control}
              value={form.network}
              onChange={(event) => change({ network: event.target.value })}
            >
              <option value="">{t('run.networkDefault')}</option>
              {networks.data
                ?.filter((network) => network.name !== 'bridge')
                .map((network) => (
                  <option key={network.id} value={network.name}>
                    {network.name}
                  </option>
                ))}
            </Select>
          )}
        </Field>
        {text('hostname', t('run.hostname'), '')}
        {text('user', t('run.user'), t('run.userPlaceholder'))}
        {text('workingDirectory', t('run.workingDirectory'), '/')}
        {text('entrypoint', t('run.entrypoint'), t('run.commandPlaceholder'))}
      </div>
      <fieldset className="grid grid-cols-1 gap-2 min-[640px]:grid-cols-2">
        <legend className="text-muted mb-1 text-sm font-semibold">{t('run.options')}</legend>
        <Checkbox label={t('run.tty')} checked={form.tty} onChange={(tty) => change({ tty })} />
        <Checkbox
          label={t('run.openStdin')}
          checked={form.openStdin}
          onChange={(openStdin) => change({ openStdin })}
        />
        <Checkbox
          label={t('run.autoRemove')}
          hint={error('autoRemove')}
          checked={form.autoRemove}
          onChange={(autoRemove) => change({ autoRemove })}
        />
        <Checkbox
          label={t('run.readonlyRootfs')}
          checked={form.readonlyRootfs}
          onChange={(readonlyRootfs) => change({ readonlyRootfs })}
        />
        <Checkbox
          label={t('run.privileged')}
          hint={t('run.privilegedHint')}
          checked={form.privileged}
          onChange={(privileged) => change({ privileged })}
        />
      </fieldset>
    </div>
  );
}
