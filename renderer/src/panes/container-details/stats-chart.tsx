import { useTranslation } from 'react-i18next';
import {
  Area,
  AreaChart,
  CartesianGrid,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';
import { formatLogTime } from '../../format/time.ts';
import { evenTicks, highestValue } from './chart-data.ts';
import type { ChartPoint, SeriesKey } from './chart-data.ts';

interface StatsChartProps {
  title: string;
  /** The newest value, in words. */
  value: string;
  detail: (string | false)[];
  data: ChartPoint[];
  series: { key: SeriesKey; name: string; color: string }[];
  format: (value: number) => string;
  /** 1024 where `format` counts in KiB, MiB, … */
  base?: 1000 | 1024;
  minimumTop: number;
  stacked?: boolean;
  limit?: number;
  limitLabel?: string;
}

const windowMs = 119_000;
const axis = { fontSize: 11, fill: 'var(--faint)' };
const clock = (time: number) => formatLogTime(new Date(time).toISOString(), false).slice(0, 8);

/** One of the four charts; all share the time window and the cursor (`syncId`). */
export function StatsChart(props: StatsChartProps) {
  const { title, value, detail, data, series, format, minimumTop, stacked, limit, limitLabel } = props;
  const { t } = useTranslation();
  const newest = data.at(-1)?.time ?? 0;
  const keys = series.map((one) => one.key);
  const highest = highestValue(data, keys, stacked === true);
  const ticks = evenTicks(Math.max(minimumTop, highest, limit ? limit * 1.08 : 0), props.base ?? 1000);
  return (
    <figure
      aria-label={`${title}: ${value}`}
      className="border-line bg-surface min-w-0 rounded-lg border px-4 pt-2.5 pb-2"
    >
      <figcaption className="flex min-w-0 items-baseline gap-2">
        <span className="text-muted text-sm font-semibold">{title}</span>
        <span className="text-lg font-semibold whitespace-pre">{value}</span>
        <span className="text-faint truncate text-sm">{detail.filter(Boolean).join(' · ')}</span>
        <span className="ml-auto flex shrink-0 gap-3">
          {series.length > 1 &&
            series.map((one) => (
              <span key={one.key} className="text-muted inline-flex items-center gap-1.5 text-sm">
                <span aria-hidden className="size-2 rounded-[2px]" style={{ background: one.color }} />
                {one.name}
              </span>
            ))}
        </span>
      </figcaption>
      <div className="mt-2 h-44" role="img" aria-label={t('details.stats')}>
        <ResponsiveContainer width="100%" height="100%">
          <AreaChart data={data} syncId="stats" margin={{ top: 6, right: 4, bottom: 0, left: 0 }}>
            <CartesianGrid vertical={false} stroke="var(--line)" />
            <XAxis
              dataKey="time"
              type="number"
              domain={[newest - windowMs, newest]}
              allowDataOverflow
              tickFormatter={clock}
              tick={axis}
              tickLine={false}
              axisLine={{ stroke: 'var(--line-strong)' }}
              minTickGap={70}
            />
            <YAxis
              width={66}
              domain={[0, ticks.at(-1) ?? minimumTop]}
              ticks={ticks}
              tickFormatter={format}
              tick={axis}
              tickLine={false}
              axisLine={false}
              interval={0}
            />
            <Tooltip
              isAnimationActive={false}
              cursor={{ stroke: 'var(--faint)', strokeDasharray: '3 3' }}
              labelFormatter={(time) => clock(Number(time))}
              formatter={(point) => format(Number(point))}
              contentStyle={{
                background: 'var(--raised)',
                border: 'none',
                borderRadius: 8,
                boxShadow: 'var(--shadow-2)',
                fontSize: 12,
                padding: '6px 10px',
              }}
              itemStyle={{ padding: 0 }}
              labelStyle={{ color: 'var(--faint)' }}
            />
            {series.map((one) => (
              <Area
                key={one.key}
                dataKey={one.key}
                name={one.name}
                type="linear"
                stackId={stacked ? 'all' : undefined}
                stroke={one.color}
                strokeWidth={1.5}
                fill={one.color}
                fillOpacity={0.14}
                isAnimationActive={false}
                dot={false}
                activeDot={{ r: 3 }}
              />
            ))}
            {limit !== undefined && (
              <ReferenceLine
                y={limit}
                stroke="var(--dot-bad)"
                strokeDasharray="4 3"
                label={{ value: limitLabel, position: 'insideBottomRight', fontSize: 11, fill: 'var(--bad)' }}
              />
            )}
          </AreaChart>
        </ResponsiveContainer>
      </div>
    </figure>
  );
}
