import { ChartLine } from 'lucide-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { useStats } from '../../api/stats-hub.ts';
import { EmptyState, SkeletonBlock } from '../../design/states.tsx';
import { formatBytes, formatMemory, formatRate } from '../../format/bytes.ts';
import { memoryLimitLine, toChartPoints } from './chart-data.ts';
import { StatsChart } from './stats-chart.tsx';

const percent = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} %`;

export function StatsTab({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  const running = container.state === 'running';
  const points = useStats(container.id, running);
  const data = useMemo(() => toChartPoints(points), [points]);
  const last = points.at(-1);
  if (!running) {
    return (
      <EmptyState
        icon={ChartLine}
        title={t('details.charts.stoppedTitle')}
        body={t('details.charts.stoppedBody')}
      />
    );
  }
  if (!last) {
    return (
      <div className="p-5">
        <p className="text-faint">{t('details.charts.waiting')}</p>
        <SkeletonBlock />
      </div>
    );
  }
  const limit = container.limits.memoryBytes;
  return (
    <div className="grid grid-cols-1 gap-4 p-5 min-[1000px]:grid-cols-2">
      <StatsChart
        title={t('details.charts.cpu')}
        value={percent(last.cpuPercent)}
        detail={[
          t('details.charts.ofCores', { count: last.onlineCpus }),
          last.throttledPercent > 0 &&
            t('details.charts.throttled', { percent: last.throttledPercent.toFixed(0) }),
        ]}
        data={data}
        stacked
        minimumTop={5}
        format={percent}
        series={[
          { key: 'user', name: t('details.charts.user'), color: 'var(--chart-1)' },
          { key: 'system', name: t('details.charts.system'), color: 'var(--chart-2)' },
        ]}
      />
      <StatsChart
        title={t('details.charts.memory')}
        value={formatMemory(last.memoryBytes)}
        detail={[
          limit > 0 && t('details.charts.limit', { size: formatMemory(limit) }),
          `${t('details.charts.cache')} ${formatMemory(last.memoryCacheBytes)}`,
          `${t('details.charts.processes')} ${last.pids}`,
        ]}
        data={data}
        minimumTop={1024 * 1024}
        base={1024}
        format={formatMemory}
        limit={memoryLimitLine(points, limit)}
        limitLabel={t('details.charts.limit', { size: formatMemory(limit) })}
        series={[{ key: 'memory', name: t('details.charts.used'), color: 'var(--chart-1)' }]}
      />
      <StatsChart
        title={t('details.charts.network')}
        value={`↓ ${formatRate(last.networkRxBytesPerSecond)}  ↑ ${formatRate(last.networkTxBytesPerSecond)}`}
        detail={[]}
        data={data}
        minimumTop={1000}
        format={(value) => `${formatBytes(value)}/s`}
        series={[
          { key: 'received', name: t('details.charts.received'), color: 'var(--chart-1)' },
          { key: 'sent', name: t('details.charts.sent'), color: 'var(--chart-2)' },
        ]}
      />
      <StatsChart
        title={t('details.charts.blockIo')}
        value={`R ${formatRate(last.blockReadBytesPerSecond)}  W ${formatRate(last.blockWriteBytesPerSecond)}`}
        detail={[]}
        data={data}
        minimumTop={1000}
        format={(value) => `${formatBytes(value)}/s`}
        series={[
          { key: 'read', name: t('details.charts.read'), color: 'var(--chart-1)' },
          { key: 'written', name: t('details.charts.written'), color: 'var(--chart-3)' },
        ]}
      />
    </div>
  );
}
