import { Eye, EyeOff } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../design/button.tsx';
import { cx } from '../../design/class-names.ts';
import { Card } from '../../design/card.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { toVariables } from './environment.ts';
import type { Variable } from './environment.ts';

export function EnvironmentCard({ environment }: { environment: string[] }) {
  const { t } = useTranslation();
  const variables = useMemo(() => toVariables(environment), [environment]);
  return (
    <Card title={t('details.environment')}>
      {variables.length === 0 && <p className="text-faint">{t('details.environmentNone')}</p>}
      <dl className="-mx-2">
        {variables.map((variable) => (
          <VariableLine key={variable.name} variable={variable} />
        ))}
      </dl>
    </Card>
  );
}

function VariableLine({ variable }: { variable: Variable }) {
  const { t } = useTranslation();
  const [revealed, setRevealed] = useState(false);
  const hidden = variable.secret && !revealed;
  return (
    <div className="group hover:bg-hover grid min-h-7 grid-cols-[minmax(8rem,16rem)_minmax(0,1fr)_auto] items-center gap-x-4 rounded-md px-2">
      <dt className="text-muted truncate font-mono text-sm" title={variable.name}>
        {variable.name}
      </dt>
      <dd className="font-mono text-sm [overflow-wrap:anywhere]">
        {hidden ? <span aria-hidden>••••••••</span> : variable.value}
      </dd>
      <span
        className={cx(
          'flex group-focus-within:opacity-100 group-hover:opacity-100',
          !variable.secret && 'opacity-0',
        )}
      >
        {variable.secret && (
          <IconButton
            label={t(revealed ? 'details.hide' : 'details.reveal', { name: variable.name })}
            icon={revealed ? EyeOff : Eye}
            onClick={() => setRevealed(!revealed)}
          />
        )}
        <CopyButton text={variable.value} />
      </span>
    </div>
  );
}
