import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { Field, Input } from '../../design/field.tsx';
import { MountRows } from './mount-rows.tsx';
import { PortRows } from './port-rows.tsx';
import type { RunErrors, RunForm } from './run-form.ts';
import { VariableRows } from './variable-rows.tsx';

export interface FieldsProps {
  form: RunForm;
  errors: RunErrors;
  change: (part: Partial<RunForm>) => void;
}

export function BasicFields({ form, errors, change }: FieldsProps) {
  const { t } = useTranslation();
  const imageListId = useId();
  const images = useQuery(queries.images.list.queryOptions());
  const error = (field: string) => errors[field] && t(`run.errors.${errors[field]}`);
  return (
    <>
      <div className="grid grid-cols-1 gap-3 min-[640px]:grid-cols-2">
        <Field label={t('run.image')} error={error('image')}>
          {(control) => (
            <Input
              {...control}
              autoFocus={form.image === ''}
              list={imageListId}
              placeholder="busybox:latest"
              value={form.image}
              onChange={(event) => change({ image: event.target.value })}
            />
          )}
        </Field>
        <datalist id={imageListId}>
          {images.data?.flatMap((image) => image.tags.map((tag) => <option key={tag} value={tag} />))}
        </datalist>
        <Field label={t('run.name')} error={error('name')}>
          {(control) => (
            <Input
              {...control}
              autoFocus={form.image !== ''}
              placeholder={t('run.namePlaceholder')}
              value={form.name}
              onChange={(event) => change({ name: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field label={t('run.command')} error={error('command')}>
        {(control) => (
          <Input
            {...control}
            className="font-mono"
            placeholder={t('run.commandPlaceholder')}
            value={form.command}
            onChange={(event) => change({ command: event.target.value })}
          />
        )}
      </Field>
      <PortRows form={form} errors={errors} change={change} />
      <VariableRows form={form} errors={errors} change={change} />
      <MountRows form={form} errors={errors} change={change} />
    </>
  );
}
