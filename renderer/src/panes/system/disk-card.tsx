import { useTranslation } from 'react-i18next';
import type { SystemSummary } from '../../../../electron/api/types.ts';
import { Card } from '../../design/card.tsx';
import { formatBytes } from '../../format/bytes.ts';

const colors = { images: 'var(--chart-1)', containers: 'var(--chart-2)', volumes: 'var(--chart-3)' };

/** One bar for everything, then each kind with what can be freed. */
export function DiskCard({ usage }: { usage: SystemSummary['diskUsage'] }) {
  const { t } = useTranslation();
  const totalBytes = usage.reduce((sum, part) => sum + part.sizeBytes, 0);
  return (
    <Card
      title={t('system.disk')}
      aside={
        <span className="text-faint text-sm">{t('system.total', { size: formatBytes(totalBytes) })}</span>
      }
    >
      <div className="bg-pressed mt-1 flex h-2 gap-px overflow-hidden rounded-full" aria-hidden>
        {usage.map((part) => (
          <span
            key={part.kind}
            style={{
              width: `${totalBytes > 0 ? (part.sizeBytes / totalBytes) * 100 : 0}%`,
              background: colors[part.kind],
            }}
          />
        ))}
      </div>
      <ul className="mt-3 flex flex-col gap-2">
        {usage.map((part) => (
          <li key={part.kind} className="grid grid-cols-[1fr_auto] gap-x-4">
            <span className="flex items-center gap-2">
              <span aria-hidden className="size-2 rounded-[2px]" style={{ background: colors[part.kind] }} />
              {t(`system.diskKinds.${part.kind}`)}
              <span className="text-faint text-sm">
                {t('system.diskActive', { active: part.active, count: part.count })}
              </span>
            </span>
            <span className="text-right">{formatBytes(part.sizeBytes)}</span>
            {part.reclaimableBytes > 0 && (
              <span className="text-faint col-span-2 pl-4 text-sm">
                {t('system.reclaimable', { size: formatBytes(part.reclaimableBytes) })}
              </span>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
