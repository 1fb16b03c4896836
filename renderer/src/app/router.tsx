import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router';
import { ContainersPane } from '../panes/containers/containers-pane.tsx';
import { ImagesPane } from '../panes/images/images-pane.tsx';
import { NetworksPane } from '../panes/networks/networks-pane.tsx';
import { SystemPane } from '../panes/system/system-pane.tsx';
import { VolumesPane } from '../panes/volumes/volumes-pane.tsx';
import { PageBroken } from './page-broken.tsx';
import { Shell } from './shell.tsx';

const loadDetails = () => import('../panes/container-details/container-details-pane.tsx');
const loadVolume = () => import('../panes/volumes/volume-details-pane.tsx');
const loadCompose = () => import('../panes/compose/compose-pane.tsx');
const loadBuilds = () => import('../panes/builds/builds-pane.tsx');
const loadLogs = () => import('../panes/logs-window/logs-window.tsx');

/** Fetches the split panes once the first one is drawn, so that they open at once, also without a connection. */
export function preloadPanes(): void {
  const load = () =>
    void Promise.allSettled([loadDetails(), loadVolume(), loadCompose(), loadBuilds(), loadLogs()]);
  window.setTimeout(load, 1500);
}

const rootRoute = createRootRoute();
/** Everything with navigation around it; the log window has none. */
const shellRoute = createRoute({ getParentRoute: () => rootRoute, id: 'shell', component: Shell });

const homeRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/',
  beforeLoad: () => {
    // The router signals a redirect by throwing one.
    // oxlint-disable-next-line typescript/only-throw-error
    throw redirect({ to: '/containers' });
  },
});
const containersRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/containers',
  component: ContainersPane,
});
const containerRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/containers/$id',
  validateSearch: (search): { tab?: string } =>
    typeof search['tab'] === 'string' ? { tab: search['tab'] } : {},
  component: lazyRouteComponent(loadDetails, 'ContainerDetailsPane'),
});
const imagesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/images',
  validateSearch: (search): { image?: string; tab?: 'layers'; view?: 'registries' } => ({
    ...(typeof search['image'] === 'string' && { image: search['image'] }),
    ...(search['tab'] === 'layers' && { tab: 'layers' as const }),
    ...(search['view'] === 'registries' && { view: 'registries' as const }),
  }),
  component: ImagesPane,
});
const volumesRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/volumes',
  component: VolumesPane,
});
const volumeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/volumes/$name',
  validateSearch: (search): { tab?: string } =>
    typeof search['tab'] === 'string' ? { tab: search['tab'] } : {},
  component: lazyRouteComponent(loadVolume, 'VolumeDetailsPane'),
});
const networksRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/networks',
  validateSearch: (search): { network?: string; view?: 'map' } => ({
    ...(typeof search['network'] === 'string' && { network: search['network'] }),
    ...(search['view'] === 'map' && { view: 'map' as const }),
  }),
  component: NetworksPane,
});
const composeRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/compose',
  validateSearch: (search): { project?: string } =>
    typeof search['project'] === 'string' ? { project: search['project'] } : {},
  component: lazyRouteComponent(loadCompose, 'ComposePane'),
});
const buildsRoute = createRoute({
  getParentRoute: () => shellRoute,
  path: '/builds',
  validateSearch: (search): { build?: string } =>
    typeof search['build'] === 'string' ? { build: search['build'] } : {},
  component: lazyRouteComponent(loadBuilds, 'BuildsPane'),
});
const systemRoute = createRoute({ getParentRoute: () => shellRoute, path: '/system', component: SystemPane });
const logsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/logs/$id',
  component: lazyRouteComponent(loadLogs, 'LogsWindow'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    homeRoute,
    shellRoute.addChildren([
      containersRoute,
      containerRoute,
      imagesRoute,
      volumesRoute,
      volumeRoute,
      networksRoute,
      composeRoute,
      buildsRoute,
      systemRoute,
    ]),
    logsRoute,
  ]),
  history: createHashHistory(),
  defaultErrorComponent: PageBroken,
  defaultNotFoundComponent: () => null,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
