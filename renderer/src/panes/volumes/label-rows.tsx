import { Plus, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../../design/button.tsx';
import { Input } from '../../design/field.tsx';
import type { LabelRow, VolumeErrors } from './volume-form.ts';

let nextKey = 1;

export function LabelRows({
  rows,
  errors = {},
  onChange,
}: {
  rows: LabelRow[];
  errors: VolumeErrors['labels'];
  onChange: (rows: LabelRow[]) => void;
}) {
  const { t } = useTranslation();
  const change = (key: number, part: Partial<LabelRow>) =>
    onChange(rows.map((row) => (row.key === key ? { ...row, ...part } : row)));
  return (
    <fieldset className="min-w-0">
      <legend className="text-muted text-sm font-semibold">{t('common.labels')}</legend>
      <div className="mt-1 flex flex-col gap-1.5">
        {rows.map(({ key, name, value }) => (
          <div key={key}>
            <div className="flex items-center gap-1.5">
              <Input
                aria-label={t('volumes.labelName')}
                aria-invalid={errors[key] ? true : undefined}
                className="font-mono"
                value={name}
                onChange={(event) => change(key, { name: event.target.value })}
              />
              <span className="text-faint">=</span>
              <Input
                aria-label={t('volumes.labelValue')}
                className="font-mono"
                value={value}
                onChange={(event) => change(key, { value: event.target.value })}
              />
              <IconButton
                label={t('volumes.removeLabel')}
                icon={X}
                onClick={() => onChange(rows.filter((row) => row.key !== key))}
              />
            </div>
            {errors[key] && (
              <p role="alert" className="text-bad mt-0.5 text-sm">
                {t(`volumes.${errors[key]}`)}
              </p>
            )}
          </div>
        ))}
        <Button
          size="small"
          icon={Plus}
          className="self-start"
          onClick={() => onChange([...rows, { key: nextKey++, name: '', value: '' }])}
        >
          {t('volumes.addLabel')}
        </Button>
      </div>
    </fieldset>
  );
}
