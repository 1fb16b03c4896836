import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { queries } from '../../api/client.ts';
import { Checkbox, Input, Select } from '../../design/field.tsx';
import type { FieldsProps } from './basic-fields.tsx';
import { RowList } from '../../design/row-list.tsx';
import { changeRow, newKey } from '../../design/rows.ts';
import type { MountRow } from './run-form.ts';

const toType = (value: string): MountRow['type'] =>
  value === 'bind' || value === 'tmpfs' ? value : 'volume';

export function MountRows({ form, errors, change }: FieldsProps) {
  const { t } = useTranslation();
  const volumeListId = useId();
  const volumes = useQuery(queries.volumes.list.queryOptions());
  const edit = (key: number, part: Partial<MountRow>) =>
    change({ mounts: changeRow(form.mounts, key, part) });
  return (
    <RowList
      title={t('run.mounts')}
      rows={form.mounts}
      errorOf={(row) => errors[`mounts.${row.key}`]}
      wordsOf={(error) => t(`run.errors.${error}`)}
      addLabel={t('run.addMount')}
      removeLabel={t('run.removeMount')}
      onAdd={() =>
        change({
          mounts: [
            ...form.mounts,
            { key: newKey(), type: 'volume', source: '', target: '', readonly: false },
          ],
        })
      }
      onRemove={(key) => change({ mounts: form.mounts.filter((row) => row.key !== key) })}
    >
      {(row, error) => (
        <>
          <Select
            aria-label={t('run.mountType')}
            className="w-36 shrink-0"
            value={row.type}
            onChange={(event) => edit(row.key, { type: toType(event.target.value) })}
          >
            <option value="volume">{t('run.mountVolume')}</option>
            <option value="bind">{t('run.mountBind')}</option>
            <option value="tmpfs">{t('run.mountTmpfs')}</option>
          </Select>
          {row.type !== 'tmpfs' && (
            <Input
              aria-label={t('run.mountSource')}
              aria-invalid={(error && error !== 'targetInvalid') || undefined}
              list={row.type === 'volume' ? volumeListId : undefined}
              placeholder={t(row.type === 'bind' ? 'run.mountSourceBind' : 'run.mountSourceVolume')}
              value={row.source}
              onChange={(event) => edit(row.key, { source: event.target.value })}
            />
          )}
          <Input
            aria-label={t('run.mountTarget')}
            aria-invalid={error === 'targetInvalid' || undefined}
            placeholder="/data"
            value={row.target}
            onChange={(event) => edit(row.key, { target: event.target.value })}
          />
          <span className="shrink-0">
            <Checkbox
              label={t('run.mountReadonly')}
              checked={row.readonly}
              onChange={(readonly) => edit(row.key, { readonly })}
            />
          </span>
          <datalist id={volumeListId}>
            {volumes.data?.map((volume) => (
              <option key={volume.name} value={volume.name} />
            ))}
          </datalist>
        </>
      )}
    </RowList>
  );
}
