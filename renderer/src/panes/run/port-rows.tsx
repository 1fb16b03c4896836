import { useTranslation } from 'react-i18next';
import { Input, Select } from '../../design/field.tsx';
import type { FieldsProps } from './basic-fields.tsx';
import { RowList } from '../../design/row-list.tsx';
import { changeRow, newKey } from '../../design/rows.ts';

export function PortRows({ form, errors, change }: FieldsProps) {
  const { t } = useTranslation();
  return (
    <RowList
      title={t('run.ports')}
      rows={form.ports}
      errorOf={(row) => errors[`ports.${row.key}`]}
      wordsOf={(error) => t(`run.errors.${error}`)}
      addLabel={t('run.addPort')}
      removeLabel={t('run.removePort')}
      onAdd={() =>
        change({ ports: [...form.ports, { key: newKey(), host: '', container: '', protocol: 'tcp' }] })
      }
      onRemove={(key) => change({ ports: form.ports.filter((row) => row.key !== key) })}
    >
      {(row, error) => (
        <>
          <Input
            aria-label={t('run.hostPort')}
            aria-invalid={error === 'hostPortInvalid' || error === 'portTwice' || undefined}
            placeholder={t('run.hostPortPlaceholder')}
            value={row.host}
            onChange={(event) =>
              change({ ports: changeRow(form.ports, row.key, { host: event.target.value }) })
            }
          />
          <span className="text-faint">:</span>
          <Input
            aria-label={t('run.containerPort')}
            aria-invalid={error === 'portInvalid' || undefined}
            inputMode="numeric"
            placeholder="80"
            value={row.container}
            onChange={(event) =>
              change({ ports: changeRow(form.ports, row.key, { container: event.target.value }) })
            }
          />
          <Select
            aria-label={t('run.protocol')}
            className="w-24 shrink-0"
            value={row.protocol}
            onChange={(event) =>
              change({
                ports: changeRow(form.ports, row.key, {
                  protocol: event.target.value === 'udp' ? 'udp' : 'tcp',
                }),
              })
            }
          >
            <option value="tcp">TCP</option>
            <option value="udp">UDP</option>
          </Select>
        </>
      )}
    </RowList>
  );
}
