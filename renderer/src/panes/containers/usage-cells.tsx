import { useMemo } from 'react';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { useStats } from '../../api/stats-hub.ts';
import { Sparkline } from '../../design/sparkline.tsx';
import { formatMemory } from '../../format/bytes.ts';

/** A cell only exists while its row is on screen, so the stream does too. */
export function CpuCell({ container }: { container: ContainerSummary }) {
  const points = useStats(container.id, container.state === 'running');
  const values = useMemo(() => points.map((point) => point.cpuPercent), [points]);
  if (container.state !== 'running') return <Dash />;
  const last = values.at(-1);
  return (
    <span className="flex items-center gap-1.5">
      <Sparkline values={values} width={48} />
      <span className="w-12 text-right">
        {last === undefined ? '' : `${last.toFixed(last < 10 ? 1 : 0)} %`}
      </span>
    </span>
  );
}

export function MemoryCell({ container }: { container: ContainerSummary }) {
  const points = useStats(container.id, container.state === 'running');
  const last = points.at(-1);
  if (container.state !== 'running') return <Dash />;
  return <span className="whitespace-nowrap">{last ? formatMemory(last.memoryBytes) : ''}</span>;
}

function Dash() {
  return (
    <span aria-hidden className="text-faint">
      –
    </span>
  );
}
