import { Plus, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { BuildSecret } from '../../../../electron/api/types.ts';
import { Button, IconButton } from '../../design/button.tsx';
import { Checkbox, Input, Select } from '../../design/field.tsx';
import { changeRow, newKey } from '../../design/rows.ts';
import { changeForm } from './build-form.ts';
import type { BuildForm, validateForm } from './build-form.ts';

const KINDS: BuildSecret['kind'][] = ['file', 'environment', 'text'];
const PLACEHOLDERS = { file: '/home/…', environment: 'NAME', text: '' };

/** What `RUN --mount=type=secret` and `type=ssh` get. */
export function SecretRows({
  form: { secrets, sshAgent },
  error,
}: {
  form: BuildForm;
  error: ReturnType<typeof validateForm>['secrets'];
}) {
  const { t } = useTranslation();
  return (
    <fieldset className="min-w-0">
      <legend className="text-muted text-sm font-semibold">{t('builds.secrets')}</legend>
      <div className="mt-1 flex flex-col gap-1.5">
        {secrets.map((row) => {
          const change = (part: Partial<typeof row>) =>
            changeForm({ secrets: changeRow(secrets, row.key, part) });
          return (
            <div key={row.key} className="grid grid-cols-[1fr_auto] gap-1.5">
              <Input
                aria-label={t('builds.secretId')}
                aria-invalid={error ? true : undefined}
                className="font-mono"
                placeholder="id"
                value={row.id}
                onChange={(event) => change({ id: event.target.value })}
              />
              <IconButton
                label={t('builds.removeSecret')}
                icon={X}
                onClick={() => changeForm({ secrets: secrets.filter(({ key }) => key !== row.key) })}
              />
              <div className="col-span-2 grid grid-cols-[7.5rem_1fr] gap-1.5">
                <Select
                  aria-label={t('builds.secretKind')}
                  value={row.kind}
                  onChange={(event) => change({ kind: event.target.value as BuildSecret['kind'], value: '' })}
                >
                  {KINDS.map((kind) => (
                    <option key={kind} value={kind}>
                      {t(`builds.secretKinds.${kind}`)}
                    </option>
                  ))}
                </Select>
                <Input
                  aria-label={t('builds.secretValue')}
                  className="font-mono"
                  type={row.kind === 'text' ? 'password' : 'text'}
                  placeholder={PLACEHOLDERS[row.kind]}
                  value={row.value}
                  onChange={(event) => change({ value: event.target.value })}
                />
              </div>
            </div>
          );
        })}
        {error && (
          <p role="alert" className="text-bad text-sm">
            {t(`builds.errors.${error}`)}
          </p>
        )}
        <Button
          size="small"
          icon={Plus}
          className="self-start"
          onClick={() =>
            changeForm({ secrets: [...secrets, { key: newKey(), id: '', kind: 'file', value: '' }] })
          }
        >
          {t('builds.addSecret')}
        </Button>
        <Checkbox
          label={t('builds.sshAgent')}
          hint={t('builds.sshAgentHint')}
          checked={sshAgent}
          onChange={(next) => changeForm({ sshAgent: next })}
        />
      </div>
    </fieldset>
  );
}
