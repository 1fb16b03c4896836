import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary, NetworkDetails } from '../../../../electron/api/types.ts';
import { api, queries } from '../../api/client.ts';
import { queryClient } from '../../api/query-client.ts';
import { useContainers } from '../../containers/use-containers.ts';
import { Field, Input, Select } from '../../design/field.tsx';
import { PairRows } from '../../design/pair-rows.tsx';
import { useSubmit } from '../../engine-objects/use-submit.ts';
import { checkConnectForm, emptyConnectForm, toConnectRequest } from './connect-form.ts';
import type { ConnectForm, ConnectProblems } from './connect-form.ts';
import { endpointOptions } from './driver-options.ts';
import { FormDialog } from './form-dialog.tsx';

interface ConnectDialogProps {
  network: NetworkDetails;
  onClose: () => void;
}

/** One more network for a container, at once when it runs. */
export function ConnectDialog({ network, onClose }: ConnectDialogProps) {
  const { t } = useTranslation();
  const containers = useContainers();
  const [form, setForm] = useState<ConnectForm>(emptyConnectForm);
  const connected = new Set(network.endpoints.map(({ containerId }) => containerId));
  const others = containers.data
    ?.filter(({ id }) => !connected.has(id))
    .toSorted((a, b) => a.name.localeCompare(b.name));
  const problems = checkConnectForm(form, network);
  const isComplete = form.container !== '' && Object.keys(problems).length === 0;
  const submission = useSubmit({
    isComplete,
    async work() {
      await api.networks.connect(toConnectRequest(form, network.id));
      void queryClient.invalidateQueries({ queryKey: queries.networks.key() });
      const container = others?.find(({ id }) => id === form.container)?.name ?? form.container;
      return t('networks.connect.done', { container, network: network.name });
    },
    onDone: onClose,
  });
  const fields = {
    form,
    problems,
    change: (part: Partial<ConnectForm>) => setForm({ ...form, ...part }),
  };
  return (
    <FormDialog
      title={t('networks.connect.title', { name: network.name })}
      action={t('networks.connect.action')}
      isComplete={isComplete}
      onClose={onClose}
      {...submission}
    >
      <ContainerField {...fields} others={others} />
      <EndpointFields {...fields} network={network} />
      <PairRows
        title={t('networks.form.options')}
        rows={form.options}
        onChange={(options) => fields.change({ options })}
        addLabel={t('networks.form.addOption')}
        removeLabel={t('networks.form.removeOption')}
        nameLabel={t('networks.form.optionName')}
        valueLabel={t('networks.form.optionValue')}
        problemOf={() => undefined}
        names={endpointOptions}
      />
    </FormDialog>
  );
}

interface FieldsProps {
  form: ConnectForm;
  problems: ConnectProblems;
  change: (part: Partial<ConnectForm>) => void;
}

function ContainerField({
  form,
  change,
  others,
}: FieldsProps & { others: readonly ContainerSummary[] | undefined }) {
  const { t } = useTranslation();
  const isNone = others?.length === 0;
  return (
    <Field label={t('networks.connect.container')} hint={isNone ? t('networks.connect.nobody') : undefined}>
      {(control) => (
        <Select
          {...control}
          value={form.container}
          disabled={isNone}
          onChange={(event) => change({ container: event.target.value })}
        >
          <option value="">{t('networks.connect.choose')}</option>
          {(others ?? []).map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

/** What the container gets there; all of it is the engine's choice where nothing is said. */
function EndpointFields({ form, problems, change, network }: FieldsProps & { network: NetworkDetails }) {
  const { t } = useTranslation();
  const texts = [
    { field: 'ipv4', label: t('networks.connect.address', { family: 'IPv4' }), isOffered: network.ipv4 },
    { field: 'ipv6', label: t('networks.connect.address', { family: 'IPv6' }), isOffered: network.ipv6 },
    { field: 'mac', label: t('networks.connect.mac'), isOffered: true },
    { field: 'gatewayPriority', label: t('networks.connect.priority'), isOffered: true },
    { field: 'aliases', label: t('networks.connect.aliases'), isOffered: true },
  ] as const;
  const placeholders = {
    ipv4: t('networks.connect.addressPlaceholder'),
    ipv6: t('networks.connect.addressPlaceholder'),
    mac: t('networks.connect.macPlaceholder'),
    gatewayPriority: '0',
    aliases: 'db, cache',
  };
  const hints = {
    gatewayPriority: t('networks.connect.priorityHint'),
    aliases: t('networks.connect.aliasesHint'),
  };
  return (
    <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
      {texts
        .filter(({ isOffered }) => isOffered)
        .map(({ field, label }) => {
          const problem = field === 'aliases' ? undefined : problems[field];
          const hint = field === 'gatewayPriority' || field === 'aliases' ? hints[field] : undefined;
          const error = problem && t(`networks.problems.${problem}`);
          return (
            <Field key={field} label={label} hint={hint} error={error}>
              {(control) => (
                <Input
                  {...control}
                  placeholder={placeholders[field]}
                  value={form[field]}
                  onChange={(event) => change({ [field]: event.target.value })}
                />
              )}
            </Field>
          );
        })}
    </div>
  );
}
