import { useMutation } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../../electron/api/types.ts';
import { queries } from '../../../api/client.ts';
import { toFailure } from '../../../api/failure.ts';
import { useContainers } from '../../../containers/use-containers.ts';
import { Button } from '../../../design/button.tsx';
import { Dialog } from '../../../design/dialog.tsx';
import { Field, Input, Select } from '../../../design/field.tsx';
import { Segmented } from '../../../design/segmented.tsx';
import { SkeletonBlock } from '../../../design/states.tsx';
import { FailureNote } from '../failure-note.tsx';
import { isPort, toReachQuestion } from './reach-form.ts';
import type { ReachForm } from './reach-form.ts';
import { ReachReportView } from './reach-report.tsx';

const nobody: ContainerSummary[] = [];
const byName = (a: ContainerSummary, b: ContainerSummary) => a.name.localeCompare(b.name);

/** Asks whether A reaches B and shows where the way ends. */
export function ReachDialog({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const formId = useId();
  const [form, setForm] = useState<ReachForm>({
    source: '',
    to: 'container',
    container: '',
    host: '',
    port: '80',
    protocol: 'tcp',
  });
  const test = useMutation(queries.networks.reach.mutationOptions());
  const change = (part: Partial<ReachForm>) => setForm({ ...form, ...part });
  const question = toReachQuestion(form);
  return (
    <Dialog
      open
      title={t('reach.title')}
      description={t('reach.intro')}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('common.close')}</Button>
          <Button variant="primary" type="submit" form={formId} busy={test.isPending} disabled={!question}>
            {test.data ? t('reach.again') : t('reach.test')}
          </Button>
        </>
      }
    >
      <div className="flex flex-col gap-4">
        <form
          id={formId}
          noValidate
          className="flex flex-col gap-3"
          onSubmit={(event) => {
            event.preventDefault();
            if (question) test.mutate(question);
          }}
        >
          <SourceField form={form} change={change} />
          <TargetFields form={form} change={change} />
          <PortFields form={form} change={change} />
        </form>
        {test.isPending && <SkeletonBlock lines={4} />}
        {test.isError && <FailureNote failure={toFailure(test.error)} />}
        {test.data && !test.isPending && <ReachReportView report={test.data} />}
      </div>
    </Dialog>
  );
}

interface FieldsProps {
  form: ReachForm;
  change: (part: Partial<ReachForm>) => void;
}

function SourceField({ form, change }: FieldsProps) {
  const { t } = useTranslation();
  const containers = useContainers();
  const running = (containers.data ?? nobody).filter(({ state }) => state === 'running').toSorted(byName);
  const isNone = containers.data !== undefined && running.length === 0;
  return (
    <Field label={t('reach.source')} hint={isNone ? t('reach.noneRunning') : undefined}>
      {(control) => (
        <ContainerSelect
          {...control}
          containers={running}
          value={form.source}
          onChange={(source) => change({ source })}
        />
      )}
    </Field>
  );
}

function TargetFields({ form, change }: FieldsProps) {
  const { t } = useTranslation();
  const containers = useContainers();
  return (
    <fieldset className="flex min-w-0 flex-col gap-2">
      <legend className="sr-only">{t('reach.target')}</legend>
      <div className="flex items-center gap-3">
        <span className="text-muted text-sm font-semibold" aria-hidden>
          {t('reach.target')}
        </span>
        <Segmented
          label={t('reach.target')}
          options={[
            { value: 'container', label: t('reach.toContainer') },
            { value: 'host', label: t('reach.toHost') },
          ]}
          value={form.to}
          onChange={(to) => change({ to })}
        />
      </div>
      <div className="grid grid-cols-1 gap-3 sm:grid-cols-2">
        {form.to === 'container' && (
          <Field label={t('reach.container')}>
            {(control) => (
              <ContainerSelect
                {...control}
                containers={(containers.data ?? nobody).toSorted(byName)}
                value={form.container}
                onChange={(container) => change({ container })}
              />
            )}
          </Field>
        )}
        <Field label={form.to === 'container' ? t('reach.alias') : t('reach.host')}>
          {(control) => (
            <Input
              {...control}
              placeholder={form.to === 'container' ? t('reach.aliasPlaceholder') : t('reach.hostPlaceholder')}
              value={form.host}
              onChange={(event) => change({ host: event.target.value })}
            />
          )}
        </Field>
      </div>
    </fieldset>
  );
}

function PortFields({ form, change }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <div className="grid grid-cols-2 gap-3">
      <Field
        label={t('reach.port')}
        error={form.port === '' || isPort(form.port) ? undefined : t('reach.portInvalid')}
      >
        {(control) => (
          <Input
            {...control}
            inputMode="numeric"
            value={form.port}
            onChange={(event) => change({ port: event.target.value })}
          />
        )}
      </Field>
      <Field label={t('reach.protocol')}>
        {(control) => (
          <Select
            {...control}
            value={form.protocol}
            onChange={(event) => change({ protocol: event.target.value === 'udp' ? 'udp' : 'tcp' })}
          >
            <option value="tcp">TCP</option>
            <option value="udp">UDP</option>
          </Select>
        )}
      </Field>
    </div>
  );
}

function ContainerSelect({
  containers,
  value,
  onChange,
  ...control
}: {
  id: string;
  containers: readonly ContainerSummary[];
  value: string;
  onChange: (id: string) => void;
}) {
  const { t } = useTranslation();
  return (
    <Select
      {...control}
      value={value}
      disabled={containers.length === 0}
      onChange={(event) => onChange(event.target.value)}
    >
      <option value="">{t('networks.connect.choose')}</option>
      {containers.map(({ id, name }) => (
        <option key={id} value={id}>
          {name}
        </option>
      ))}
    </Select>
  );
}
