import { Link } from '@tanstack/react-router';
import type { TFunction } from 'i18next';
import { useTranslation } from 'react-i18next';
import type { ContainerDetails } from '../../../../electron/api/types.ts';
import { PortLinks } from '../../containers/port-links.tsx';
import { Badge } from '../../design/badge.tsx';
import { Card, Code, Facts } from '../../design/card.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { formatMemory } from '../../format/bytes.ts';
import { shortId } from '../../format/ids.ts';
import { formatAgo, formatDateTime } from '../../format/time.ts';
import { useNow } from '../../format/use-now.ts';
import { DataLossCard } from './data-loss-card.tsx';
import { EnvironmentCard } from './environment-card.tsx';
import { ExitCard } from './exit-card.tsx';

function limitsText(limits: ContainerDetails['limits'], t: TFunction): string {
  const parts = [
    limits.memoryBytes > 0 && t('details.limitMemory', { size: formatMemory(limits.memoryBytes) }),
    limits.nanoCpus > 0 && t('details.limitCpus', { count: limits.nanoCpus / 1e9 }),
    limits.pids > 0 && t('details.limitPids', { count: limits.pids }),
  ];
  return parts.filter(Boolean).join(', ') || t('details.noLimits');
}

export function OverviewTab({ container }: { container: ContainerDetails }) {
  return (
    <div className="flex flex-col gap-4 p-5">
      <ExitCard container={container} />
      <DataLossCard container={container} />
      <div className="grid grid-cols-1 items-start gap-4 min-[1100px]:grid-cols-2">
        <FactsCard container={container} />
        <div className="flex min-w-0 flex-col gap-4">
          <PortsCard container={container} />
          <MountsCard container={container} />
          <NetworksCard container={container} />
        </div>
      </div>
      <EnvironmentCard environment={container.environment} />
      <LabelsCard labels={container.labels} />
    </div>
  );
}

function FactsCard({ container }: { container: ContainerDetails }) {
  const { t, i18n } = useTranslation();
  const now = useNow();
  const time = (at: number | undefined) =>
    at && <span title={formatDateTime(at, i18n.language)}>{formatAgo(at, now, i18n.language)}</span>;
  return (
    <Card title={t('details.facts')}>
      <Facts
        facts={[
          [
            t('details.id'),
            <span key="id" className="inline-flex items-center gap-1" title={container.id}>
              <Code>{shortId(container.id)}</Code>
              <span className="-my-1.5">
                <CopyButton text={container.id} />
              </span>
            </span>,
          ],
          [t('details.image'), container.image],
          [
            t('details.command'),
            <Code key="c">{[...container.entrypoint, ...container.arguments].join(' ')}</Code>,
          ],
          [
            t('details.workingDirectory'),
            container.workingDirectory && <Code key="w">{container.workingDirectory}</Code>,
          ],
          [t('details.user'), container.user || t('details.userRoot')],
          [t('details.hostname'), container.hostname],
          [t('details.created'), time(container.createdAt)],
          [t('details.started'), time(container.startedAt)],
          [t('details.finished'), container.state === 'running' ? undefined : time(container.finishedAt)],
          [t('details.restartPolicy'), container.restartPolicy],
          [t('details.limits'), limitsText(container.limits, t)],
          [t('details.pid'), container.pid > 0 ? container.pid : undefined],
        ]}
      />
    </Card>
  );
}

function PortsCard({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  const inside = container.ports.filter((port) => port.hostPort === undefined);
  return (
    <Card title={t('details.portsTitle')}>
      {container.ports.length === 0 && <p className="text-faint">{t('details.portsNone')}</p>}
      <div className="flex flex-wrap gap-x-4 gap-y-1">
        <PortLinks ports={container.ports} limit={24} />
        {inside.map((port) => (
          <span key={`${port.containerPort}/${port.protocol}`} className="text-muted">
            {t('details.portOnlyInside', { port: `${port.containerPort}/${port.protocol}` })}
          </span>
        ))}
      </div>
    </Card>
  );
}

function MountsCard({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  return (
    <Card title={t('details.mounts')}>
      {container.mounts.length === 0 && <p className="text-faint">{t('details.mountsNone')}</p>}
      <ul className="flex flex-col gap-2">
        {container.mounts.map((mount) => (
          <li key={mount.destination} className="min-w-0">
            <div className="flex min-w-0 items-center gap-2">
              <span className="truncate font-mono text-sm" title={mount.destination}>
                {mount.destination}
              </span>
              <Badge>{mount.type}</Badge>
              {mount.readonly && <Badge tone="warn">{t('details.readonly')}</Badge>}
            </div>
            <p className="text-faint truncate text-sm" title={mount.name || mount.source} data-selectable>
              {mount.type === 'volume' ? (
                <Link
                  to="/volumes/$name"
                  params={{ name: mount.name }}
                  className="hover:text-accent hover:underline"
                >
                  {mount.name}
                </Link>
              ) : (
                mount.name || mount.source
              )}
            </p>
          </li>
        ))}
      </ul>
    </Card>
  );
}

function NetworksCard({ container }: { container: ContainerDetails }) {
  const { t } = useTranslation();
  return (
    <Card title={t('details.networks')}>
      {container.endpoints.length === 0 && <p className="text-faint">{t('details.networksNone')}</p>}
      <ul className="flex flex-col gap-2">
        {container.endpoints.map((endpoint) => (
          <li key={endpoint.network}>
            <div className="flex items-center gap-2">
              <span className="truncate">{endpoint.network}</span>
              {endpoint.ip && <Code>{endpoint.ip}</Code>}
            </div>
            {endpoint.aliases.length > 0 && (
              <p className="text-faint text-sm [overflow-wrap:anywhere]">
                {t('details.aliases', { names: endpoint.aliases.join(', ') })}
              </p>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function LabelsCard({ labels }: { labels: Record<string, string> }) {
  const { t } = useTranslation();
  const entries = Object.entries(labels).sort(([a], [b]) => a.localeCompare(b));
  return (
    <Card title={t('common.labels')}>
      {entries.length === 0 ? (
        <p className="text-faint">{t('details.labelsNone')}</p>
      ) : (
        <Facts facts={entries.map(([name, value]) => [name, <Code key={name}>{value}</Code>])} />
      )}
    </Card>
  );
}
