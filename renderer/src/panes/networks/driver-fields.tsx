import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { Field, Input, Select } from '../../design/field.tsx';
import { isStacked, modes } from './driver-options.ts';
import type { NetworkFieldsProps } from './network-fields.tsx';

/** What a driver asks for: the parent and the mode of stacked networks, the MTU of all. */
export function DriverFields({ form, change, problemAt }: NetworkFieldsProps) {
  const { t } = useTranslation();
  return (
    <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
      {isStacked(form.driver) && <ParentField form={form} change={change} />}
      {isStacked(form.driver) && (
        <Field label={t('networks.form.mode')}>
          {(control) => (
            <Select {...control} value={form.mode} onChange={(event) => change({ mode: event.target.value })}>
              {modes[form.driver].map((mode, index) => (
                <option key={mode} value={index === 0 ? '' : mode}>
                  {index === 0 ? t('networks.form.modeDefault', { mode }) : mode}
                </option>
              ))}
            </Select>
          )}
        </Field>
      )}
      <Field label={t('networks.form.mtu')} error={problemAt('mtu')}>
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            placeholder={t('networks.form.mtuPlaceholder')}
            value={form.mtu}
            onChange={(event) => change({ mtu: event.target.value })}
          />
        )}
      </Field>
    </div>
  );
}

/** Free text, as a VLAN need not be there yet; the host's own interfaces are offered. */
function ParentField({ form, change }: Pick<NetworkFieldsProps, 'form' | 'change'>) {
  const { t } = useTranslation();
  const listId = useId();
  const query = useQuery({ ...queries.networks.hostInterfaces.queryOptions(), staleTime: 0 });
  return (
    <Field label={t('networks.form.parent')} hint={t('networks.form.parentHint')} className="sm:col-span-2">
      {(control) => (
        <>
          <Input
            {...control}
            className="font-mono"
            list={listId}
            value={form.parent}
            onChange={(event) => change({ parent: event.target.value })}
          />
          <datalist id={listId}>
            {(query.data ?? []).map(({ name }) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}
