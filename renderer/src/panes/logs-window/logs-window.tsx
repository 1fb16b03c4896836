import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useEffect } from 'react';
import { ConnectionBanner } from '../../app/connection-banner.tsx';
import { useSettings } from '../../app/settings.ts';
import { queries } from '../../api/client.ts';
import { StateLabel } from '../../containers/state-label.tsx';
import { ErrorState, SkeletonRows } from '../../design/states.tsx';
import { LogViewer } from '../../logs/log-viewer.tsx';

const route = getRouteApi('/logs/$id');

/** The log of one container in a window of its own. */
export function LogsWindow() {
  useSettings();
  const { id } = route.useParams();
  const query = useQuery(queries.containers.inspect.queryOptions({ input: { id } }));
  const name = query.data?.name;
  useEffect(() => {
    if (name) document.title = `${name} · Gantry`;
  }, [name]);
  if (query.isPending) return <SkeletonRows />;
  if (query.isError && !query.data)
    return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  return (
    <main className="flex h-full flex-col">
      <ConnectionBanner />
      <header className="flex h-11 shrink-0 items-center gap-3 px-4">
        <h1 className="truncate text-lg font-semibold" title={query.data.name}>
          {query.data.name}
        </h1>
        <StateLabel container={query.data} />
      </header>
      <div className="min-h-0 flex-1">
        <LogViewer id={id} name={query.data.name} running={query.data.state === 'running'} />
      </div>
    </main>
  );
}
