import { useNavigate } from '@tanstack/react-router';
import { Network } from 'lucide-react';
import { useCallback, useMemo, useRef, useState } from 'react';
import type { KeyboardEvent } from 'react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary, NetworkLink, NetworkSummary } from '../../../../../electron/api/types.ts';
import { useContainers } from '../../../containers/use-containers.ts';
import { useElementWidth } from '../../../design/element-size.ts';
import { filterByText } from '../../../engine-objects/filter-by-text.ts';
import { ListBody, NoRows } from '../../../engine-objects/list-body.tsx';
import { useNetworkLinks } from '../use-networks.ts';
import { ContainerBox, HubBox, LinkLine } from './map-parts.tsx';
import { isNear, layOutMap } from './map-layout.ts';
import { toMapModel } from './map-model.ts';
import type { MapModel } from './map-model.ts';

interface NetworkMapProps {
  networks: readonly NetworkSummary[];
  filter: string;
  onClearFilter: () => void;
  onOpen: (networkId: string) => void;
}

const nobody: ContainerSummary[] = [];
const unknown: NetworkLink[] = [];

/** Networks, who is on them, and what is published on this machine, with live byte rates. */
export function NetworkMap({ networks, filter, onClearFilter, onOpen }: NetworkMapProps) {
  const { t } = useTranslation();
  const containers = useContainers();
  const links = useNetworkLinks();
  const model = useMemo(() => {
    const matches = (name: string) => filterByText([name], filter, (text) => text).length > 0;
    return toMapModel(networks, containers.data ?? nobody, links.data ?? unknown, matches);
  }, [networks, containers.data, links.data, filter]);
  return (
    <ListBody query={containers}>
      {model.hubs.length === 0 ? (
        <NoRows
          filter={filter}
          onClear={onClearFilter}
          icon={Network}
          title={t('networks.map.emptyTitle')}
          body={t('networks.map.emptyBody')}
        />
      ) : (
        <MapCanvas model={model} onOpen={onOpen} />
      )}
    </ListBody>
  );
}

function MapCanvas({ model, onOpen }: { model: MapModel; onOpen: (networkId: string) => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const width = useElementWidth(scroller);
  const [view, setView] = useState({ top: 0, height: 1000 });
  const [active, setActive] = useState('');
  const [focused, setFocused] = useState<string>();
  const layout = useMemo(
    () =>
      layOutMap(
        model.hubs.map(({ id }) => id),
        model.nodes.map(({ id, hubs, networks, ports }) => ({
          id,
          hubs,
          lines: networks.length + (ports.length > 0 ? 1 : 0),
        })),
        Math.max(width, 420),
      ),
    [model, width],
  );
  const nodes = useMemo(() => new Map(model.nodes.map((node) => [node.id, node])), [model]);
  const places = useMemo(() => orderOf(layout), [layout]);
  const near = new Set(layout.boxes.filter((box) => isNear(box, view.top, view.height)).map((box) => box.id));
  const look = useCallback((element: HTMLElement) => {
    setView({ top: element.scrollTop, height: element.clientHeight });
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    const at = places.findIndex(({ key }) => key === active);
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
    const to = event.key === 'Home' ? 0 : event.key === 'End' ? places.length - 1 : step && at + step;
    const next = to === undefined ? undefined : places[Math.max(0, Math.min(places.length - 1, to))];
    if (!next) return;
    event.preventDefault();
    setActive(next.key);
    const element = scroller.current;
    if (element && (next.y < element.scrollTop || next.y + 90 > element.scrollTop + element.clientHeight))
      element.scrollTop = Math.max(0, next.y - element.clientHeight / 2);
    requestAnimationFrame(() =>
      scroller.current?.querySelector<HTMLElement>(`[data-node="${next.key}"]`)?.focus(),
    );
  };
  const current = places.some(({ key }) => key === active) ? active : places[0]?.key;
  const isLit = (hub: string, container: string) => focused === `h-${hub}` || focused === `c-${container}`;

  return (
    <div
      ref={scroller}
      className="h-full overflow-auto"
      onScroll={(event) => look(event.currentTarget)}
      onPointerEnter={(event) => look(event.currentTarget)}
    >
      <div
        role="group"
        aria-label={t('networks.map.label')}
        aria-description={t('networks.map.keys')}
        className="relative"
        style={{ height: layout.height, minWidth: 420 }}
        onKeyDown={onKeyDown}
      >
        <svg className="absolute inset-0 size-full" aria-hidden>
          {layout.links
            .filter(({ container }) => near.has(container))
            .map((link) => (
              <LinkLine
                key={`${link.hub} ${link.container}`}
                link={link}
                node={nodes.get(link.container)}
                lit={isLit(link.hub, link.container)}
                faded={focused !== undefined && !isLit(link.hub, link.container)}
              />
            ))}
        </svg>
        {layout.hubs.map((place, index) => {
          const hub = model.hubs[index];
          return (
            hub && (
              <HubBox
                key={place.id}
                place={place}
                index={index}
                network={hub.network}
                members={hub.members}
                reachable={current === `h-${place.id}`}
                onFocusChange={(on) => setFocused(on ? `h-${place.id}` : undefined)}
                onActive={() => setActive(`h-${place.id}`)}
                onOpen={onOpen}
              />
            )
          );
        })}
        {layout.boxes.map((place) => {
          const node = nodes.get(place.id);
          if (!node || !near.has(place.id)) return null;
          return (
            <ContainerBox
              key={place.id}
              place={place}
              node={node}
              hubOrder={model.hubs}
              reachable={current === `c-${place.id}`}
              onFocusChange={(on) => setFocused(on ? `c-${place.id}` : undefined)}
              onActive={() => setActive(`c-${place.id}`)}
              onOpen={() => void navigate({ to: '/containers/$id', params: { id: place.id } })}
            />
          );
        })}
      </div>
    </div>
  );
}

/** In the order of the arrow keys: each hub, then the containers beside it. */
function orderOf({ hubs, boxes }: ReturnType<typeof layOutMap>): { key: string; y: number }[] {
  return [
    ...hubs.map(({ id, x, y }) => ({ key: `h-${id}`, x, y })),
    ...boxes.map(({ id, x, y }) => ({ key: `c-${id}`, x, y })),
  ].toSorted((a, b) => a.y - b.y || a.x - b.x);
}
