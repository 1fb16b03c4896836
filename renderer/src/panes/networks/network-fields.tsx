import { useTranslation } from 'react-i18next';
import { Checkbox, Field, Input, Select } from '../../design/field.tsx';
import { PairRows } from '../../design/pair-rows.tsx';
import { drivers, knownOptions, knownValues } from './driver-options.ts';
import type { Driver } from './driver-options.ts';
import type { NetworkForm } from './network-form.ts';

export interface NetworkFieldsProps {
  form: NetworkForm;
  change: (part: Partial<NetworkForm>) => void;
  /** What is wrong there, in words. */
  problemAt: (where: string) => string | undefined;
}

export function NameFields({ form, change, problemAt }: NetworkFieldsProps) {
  const { t } = useTranslation();
  return (
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
  );
}

export function FamilyFields({ form, change, problemAt }: NetworkFieldsProps) {
  const { t } = useTranslation();
  const problem = problemAt('family');
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="text-muted mb-1 text-sm font-semibold">{t('networks.form.addresses')}</legend>
      <div className="flex flex-wrap gap-x-6 gap-y-1">
        <Checkbox label="IPv4" checked={form.ipv4} onChange={(ipv4) => change({ ipv4 })} />
        <Checkbox label="IPv6" checked={form.ipv6} onChange={(ipv6) => change({ ipv6 })} />
      </div>
      {problem && (
        <p role="alert" className="text-bad text-sm">
          {problem}
        </p>
      )}
    </fieldset>
  );
}

export function ReachFields({ form, change }: NetworkFieldsProps) {
  const { t } = useTranslation();
  return (
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
  );
}

export function PairFields({ form, change, problemAt }: NetworkFieldsProps) {
  const { t } = useTranslation();
  return (
    <>
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
    </>
  );
}
