import { Link } from '@tanstack/react-router';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/client.ts';
import { Tip } from '../design/tooltip.tsx';
import { useContainers } from '../containers/use-containers.ts';
import { Logo } from './logo.tsx';
import { panes } from './navigation.ts';

type Pane = (typeof panes)[number]['pane'];

function useCounts(): Partial<Record<Pane, number>> {
  const containers = useContainers();
  const images = useQuery(queries.images.list.queryOptions());
  const volumes = useQuery(queries.volumes.list.queryOptions());
  const networks = useQuery(queries.networks.list.queryOptions());
  return {
    containers: containers.data?.length,
    images: images.data?.length,
    volumes: volumes.data?.length,
    networks: networks.data?.length,
  };
}

/** Icons only below 900 px; the names stay for screen readers and as tooltips. */
export function Sidebar() {
  const { t } = useTranslation();
  const counts = useCounts();
  return (
    <aside className="bg-sidebar border-line flex w-14 shrink-0 flex-col border-r min-[900px]:w-52">
      <div className="flex h-12 items-center px-4">
        <span className="min-[900px]:hidden">
          <Logo compact />
        </span>
        <span className="hidden min-[900px]:inline">
          <Logo />
        </span>
      </div>
      <nav aria-label={t('shell.navigation')} className="flex flex-col gap-0.5 px-2 pt-1">
        {panes.map(({ pane, to, icon: Icon, keys }) => (
          <Tip key={pane} text={t(`shell.${pane}`)} shortcut={keys}>
            <Link
              to={to}
              aria-label={t(`shell.${pane}`)}
              className="text-muted hover:bg-hover hover:text-text data-[status=active]:bg-pressed data-[status=active]:text-text flex h-8 items-center gap-2.5 rounded-md px-2.5 no-underline transition-colors data-[status=active]:font-semibold"
            >
              <Icon size={16} strokeWidth={1.8} aria-hidden className="shrink-0" />
              <span className="hidden min-w-0 flex-1 truncate min-[900px]:inline">{t(`shell.${pane}`)}</span>
              {counts[pane] !== undefined && (
                <span aria-hidden className="text-faint hidden text-sm font-normal min-[900px]:inline">
                  {counts[pane]}
                </span>
              )}
            </Link>
          </Tip>
        ))}
      </nav>
    </aside>
  );
}
