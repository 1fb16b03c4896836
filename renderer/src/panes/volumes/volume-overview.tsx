import { useTranslation } from 'react-i18next';
import type { VolumeSummary } from '../../../../electron/api/types.ts';
import { Card, Code, Facts } from '../../design/card.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { formatDateTime } from '../../format/time.ts';
import { UserLink } from './volume-users.tsx';

export function VolumeOverview({ volume }: { volume: VolumeSummary }) {
  const { t, i18n } = useTranslation();
  return (
    <div className="grid grid-cols-1 items-start gap-4 p-5 min-[1100px]:grid-cols-2">
      <Card title={t('volumes.facts')}>
        <Facts
          facts={[
            [t('common.name'), <Code key="n">{volume.name}</Code>],
            [t('common.driver'), volume.driver],
            [t('common.size'), volume.sizeBytes === undefined ? undefined : formatBytes(volume.sizeBytes)],
            [
              t('common.created'),
              volume.createdAt === undefined ? undefined : formatDateTime(volume.createdAt, i18n.language),
            ],
            [t('volumes.mountpoint'), <Code key="m">{volume.mountpoint}</Code>],
          ]}
        />
      </Card>
      <Card title={t('common.usedBy')}>
        {volume.usedBy.length === 0 && <p className="text-faint">{t('volumes.noUsers')}</p>}
        <ul className="flex flex-col gap-1">
          {volume.usedBy.map((user) => (
            <li key={user.id} className="flex min-w-0">
              <UserLink user={user} />
            </li>
          ))}
        </ul>
      </Card>
      <PairsCard title={t('volumes.driverOptions')} pairs={volume.options} none={t('volumes.noOptions')} />
      <PairsCard title={t('common.labels')} pairs={volume.labels} none={t('details.labelsNone')} />
    </div>
  );
}

function PairsCard({ title, pairs, none }: { title: string; pairs: Record<string, string>; none: string }) {
  const entries = Object.entries(pairs).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Card title={title}>
      {entries.length === 0 ? (
        <p className="text-faint">{none}</p>
      ) : (
        <Facts facts={entries.map(([name, value]) => [name, <Code key={name}>{value}</Code>])} />
      )}
    </Card>
  );
}
