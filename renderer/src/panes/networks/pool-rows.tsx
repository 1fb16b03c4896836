import { Plus, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../../design/button.tsx';
import { Field, Input } from '../../design/field.tsx';
import { changeRow } from '../../design/rows.ts';
import { emptyPool } from './network-form.ts';
import type { PoolRow } from './network-form.ts';

interface PoolRowsProps {
  pools: PoolRow[];
  onChange: (pools: PoolRow[]) => void;
  problemAt: (where: string) => string | undefined;
}

const fields = ['subnet', 'gateway', 'ipRange', 'auxiliary'] as const;

/** The subnets of a network, each with what its addresses are handed out from. */
export function PoolRows({ pools, onChange, problemAt }: PoolRowsProps) {
  const { t } = useTranslation();
  const labels = {
    subnet: t('networks.subnet'),
    gateway: t('networks.form.gateway'),
    ipRange: t('networks.form.ipRange'),
    auxiliary: t('networks.form.auxiliary'),
  };
  const placeholders = {
    subnet: '10.20.0.0/24',
    gateway: t('networks.form.gatewayPlaceholder'),
    ipRange: t('networks.form.ipRangePlaceholder'),
    auxiliary: t('networks.form.auxiliaryPlaceholder'),
  };
  return (
    <fieldset className="min-w-0">
      <legend className="text-muted text-sm font-semibold">{t('networks.form.pools')}</legend>
      <div className="mt-1 flex flex-col gap-2">
        {pools.map((row) => (
          <div
            key={row.key}
            className="border-line flex items-start gap-1.5 rounded-lg border py-2.5 pr-1.5 pl-3"
          >
            <div className="grid min-w-0 flex-1 grid-cols-1 gap-2.5 sm:grid-cols-2">
              {fields.map((field) => (
                <Field key={field} label={labels[field]} error={problemAt(`pool.${row.key}.${field}`)}>
                  {(control) => (
                    <Input
                      {...control}
                      className="font-mono placeholder:font-sans"
                      placeholder={placeholders[field]}
                      value={row[field]}
                      onChange={(event) =>
                        onChange(changeRow(pools, row.key, { [field]: event.target.value }))
                      }
                    />
                  )}
                </Field>
              ))}
            </div>
            <IconButton
              label={t('networks.form.removePool')}
              icon={X}
              onClick={() => onChange(pools.filter((pool) => pool.key !== row.key))}
            />
          </div>
        ))}
        {pools.length === 0 && <p className="text-faint text-sm">{t('networks.form.poolsHint')}</p>}
        <Button
          size="small"
          icon={Plus}
          className="self-start"
          onClick={() => onChange([...pools, emptyPool()])}
        >
          {t('networks.form.addPool')}
        </Button>
      </div>
    </fieldset>
  );
}
