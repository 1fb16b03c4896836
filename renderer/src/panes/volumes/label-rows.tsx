import { useTranslation } from 'react-i18next';
import { Input } from '../../design/field.tsx';
import { RowList } from '../../design/row-list.tsx';
import { changeRow, newKey } from '../../design/rows.ts';
import type { LabelRow, VolumeErrors } from './volume-form.ts';

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
  return (
    <RowList
      title={t('common.labels')}
      rows={rows}
      errorOf={({ key }) => errors[key]}
      wordsOf={(error) => t(`volumes.${error}`)}
      addLabel={t('volumes.addLabel')}
      removeLabel={t('volumes.removeLabel')}
      onAdd={() => onChange([...rows, { key: newKey(), name: '', value: '' }])}
      onRemove={(key) => onChange(rows.filter((row) => row.key !== key))}
    >
      {({ key, name, value }, error) => (
        <>
          <Input
            aria-label={t('volumes.labelName')}
            aria-invalid={error ? true : undefined}
            className="font-mono"
            value={name}
            onChange={(event) => onChange(changeRow(rows, key, { name: event.target.value }))}
          />
          <span className="text-faint">=</span>
          <Input
            aria-label={t('volumes.labelValue')}
            className="font-mono"
            value={value}
            onChange={(event) => onChange(changeRow(rows, key, { value: event.target.value }))}
          />
        </>
      )}
    </RowList>
  );
}
