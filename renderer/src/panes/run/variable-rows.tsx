import { useTranslation } from 'react-i18next';
import { Input } from '../../design/field.tsx';
import type { FieldsProps } from './basic-fields.tsx';
import { RowList } from '../../design/row-list.tsx';
import { changeRow, newKey } from '../../design/rows.ts';

export function VariableRows({ form, errors, change }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <RowList
      title={t('run.variables')}
      rows={form.variables}
      errorOf={(row) => errors[`variables.${row.key}`]}
      wordsOf={(error) => t(`run.errors.${error}`)}
      addLabel={t('run.addVariable')}
      removeLabel={t('run.removeVariable')}
      onAdd={() => change({ variables: [...form.variables, { key: newKey(), name: '', value: '' }] })}
      onRemove={(key) => change({ variables: form.variables.filter((row) => row.key !== key) })}
    >
      {(row, error) => (
        <>
          <Input
            aria-label={t('run.variableName')}
            aria-invalid={error ? true : undefined}
            className="font-mono"
            placeholder="NAME"
            value={row.name}
            onChange={(event) =>
              change({ variables: changeRow(form.variables, row.key, { name: event.target.value }) })
            }
          />
          <span className="text-faint">=</span>
          <Input
            aria-label={t('run.variableValue')}
            className="font-mono"
            value={row.value}
            onChange={(event) =>
              change({ variables: changeRow(form.variables, row.key, { value: event.target.value }) })
            }
          />
        </>
      )}
    </RowList>
  );
}
