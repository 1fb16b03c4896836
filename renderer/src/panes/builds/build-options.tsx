import { Plus, X } from 'lucide-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import type { DockerfileStage } from '../../../../electron/api/types.ts';
import { Button, IconButton } from '../../design/button.tsx';
import { Checkbox, Field, Input } from '../../design/field.tsx';
import { changeRow, newKey } from '../../design/rows.ts';
import { changeForm } from './build-form.ts';
import type { BuildForm, validateForm } from './build-form.ts';
import { SecretRows } from './secret-rows.tsx';

interface OptionsProps {
  form: BuildForm;
  errors: ReturnType<typeof validateForm>;
  stages: readonly DockerfileStage[];
}

export function BuildOptions({ form, errors, stages }: OptionsProps) {
  const { t } = useTranslation();
  const listId = useId();
  return (
    <section
      aria-label={t('builds.options')}
      className="border-line flex shrink-0 flex-col gap-3.5 border-t px-5 py-3 min-[1100px]:w-72 min-[1100px]:overflow-y-auto min-[1100px]:border-t-0 min-[1100px]:border-l"
    >
      <Field label={t('builds.tags')} hint={t('builds.tagsHint')}>
        {(control) => (
          <Input
            {...control}
            className="font-mono"
            placeholder="name:tag"
            value={form.tags}
            onChange={(event) => changeForm({ tags: event.target.value })}
          />
        )}
      </Field>
      <Field label={t('builds.target')} hint={t('builds.targetHint')}>
        {(control) => (
          <>
            <Input
              {...control}
              className="font-mono"
              list={listId}
              value={form.target}
              onChange={(event) => changeForm({ target: event.target.value })}
            />
            <datalist id={listId}>
              {stages.map(({ index, name }) => name !== '' && <option key={index} value={name} />)}
            </datalist>
          </>
        )}
      </Field>
      <ArgRows form={form} error={errors.args} />
      <SecretRows form={form} error={errors.secrets} />
      <Checkbox
        label={t('builds.noCache')}
        checked={form.noCache}
        onChange={(noCache) => changeForm({ noCache })}
      />
      <Checkbox
        label={t('builds.pull')}
        hint={t('builds.pullHint')}
        checked={form.pull}
        onChange={(pull) => changeForm({ pull })}
      />
    </section>
  );
}

function ArgRows({ form: { args }, error }: { form: BuildForm; error: OptionsProps['errors']['args'] }) {
  const { t } = useTranslation();
  return (
    <fieldset className="min-w-0">
      <legend className="text-muted text-sm font-semibold">{t('builds.args')}</legend>
      <div className="mt-1 flex flex-col gap-1.5">
        {args.map((row) => (
          <div key={row.key} className="flex items-center gap-1.5">
            <Input
              aria-label={t('builds.argName')}
              aria-invalid={error ? true : undefined}
              className="font-mono"
              placeholder="NAME"
              value={row.name}
              onChange={(event) =>
                changeForm({ args: changeRow(args, row.key, { name: event.target.value }) })
              }
            />
            <span className="text-faint">=</span>
            <Input
              aria-label={t('builds.argValue')}
              className="font-mono"
              value={row.value}
              onChange={(event) =>
                changeForm({ args: changeRow(args, row.key, { value: event.target.value }) })
              }
            />
            <IconButton
              label={t('builds.removeArg')}
              icon={X}
              onClick={() => changeForm({ args: args.filter(({ key }) => key !== row.key) })}
            />
          </div>
        ))}
        {error && (
          <p role="alert" className="text-bad text-sm">
            {t(`builds.errors.${error}`)}
          </p>
        )}
        <Button
          size="small"
          icon={Plus}
          className="self-start"
          onClick={() => changeForm({ args: [...args, { key: newKey(), name: '', value: '' }] })}
        >
          {t('builds.addArg')}
        </Button>
      </div>
    </fieldset>
  );
}
