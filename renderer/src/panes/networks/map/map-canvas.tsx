import { useNavigate } from '@tanstack/react-router';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useElementHeight, useElementWidth } from '../../../design/element-size.ts';
import { isNear, layOutMap } from './map-layout.ts';
import type { MapLayout, MapLink, Place } from './map-layout.ts';
import type { MapModel, MapNode } from './map-model.ts';
import { ContainerBox, HubBox, LinkLine } from './map-parts.tsx';
import { boxKey, hubKey, useMapFocus } from './use-map-focus.ts';

const NARROWEST = 460;

/** Draws what is on the screen or near it: only that asks for rates. */
export function MapCanvas({ model, onOpen }: { model: MapModel; onOpen: (networkId: string) => void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const scroller = useRef<HTMLDivElement>(null);
  const width = useElementWidth(scroller);
  const height = useElementHeight(scroller);
  const [top, setTop] = useState(0);
  const layout = useMapLayout(model, width);
  const { lit, current, onKeyDown, propsOf } = useMapFocus(layout, scroller);
  const nodes = useMemo(() => new Map(model.nodes.map((node) => [node.id, node])), [model]);
  const hubs = useMemo(() => new Map(model.hubs.map((hub) => [hub.id, hub])), [model]);
  // What Tab leads to is always there.
  const isShown = (place: Place, key: string) => key === current || isNear(place, top, height);
  const shown = new Set(layout.boxes.filter((box) => isShown(box, boxKey(box.id))).map(({ id }) => id));

  return (
    <div
      ref={scroller}
      className="h-full overflow-auto"
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
    >
      <div
        role="group"
        aria-label={t('networks.map.label')}
        aria-description={t('networks.map.keys')}
        className="relative"
        style={{ height: layout.height, minWidth: NARROWEST }}
        onKeyDown={onKeyDown}
      >
        <MapLinks
          links={layout.links.filter(({ container }) => shown.has(container))}
          nodes={nodes}
          lit={lit}
        />
        {layout.hubs.map((place, index) => {
          const key = hubKey(place.id);
          const hub = isShown(place, key) ? hubs.get(place.id) : undefined;
          const props = propsOf(key);
          return hub && <HubBox key={place.id} {...props} {...{ place, index, hub, onOpen }} />;
        })}
        {layout.boxes.map((place) => {
          const node = shown.has(place.id) ? nodes.get(place.id) : undefined;
          const open = () => void navigate({ to: '/containers/$id', params: { id: place.id } });
          const props = propsOf(boxKey(place.id));
          return (
            node && (
              <ContainerBox key={place.id} {...props} {...{ place, node }} hubs={layout.hubs} onOpen={open} />
            )
          );
        })}
      </div>
    </div>
  );
}

function useMapLayout(model: MapModel, width: number): MapLayout {
  return useMemo(() => {
    const boxes = model.nodes.map(({ id, hubs, networks, ports }) => {
      return { id, hubs, lines: networks.length + (ports.length > 0 ? 1 : 0) };
    });
    const hubs = model.hubs.map(({ id }) => id);
    return layOutMap(hubs, boxes, Math.max(width, NARROWEST));
  }, [model, width]);
}

interface MapLinksProps {
  links: readonly MapLink[];
  nodes: ReadonlyMap<string, MapNode>;
  /** Key of the node whose links stand out. */
  lit: string | undefined;
}

function MapLinks({ links, nodes, lit }: MapLinksProps) {
  const isLit = ({ hub, container }: MapLink) => lit === hubKey(hub) || lit === boxKey(container);
  return (
    <svg className="absolute inset-0 size-full" aria-hidden>
      {links.map((link) => (
        <LinkLine
          key={`${link.hub} ${link.container}`}
          link={link}
          node={nodes.get(link.container)}
          lit={isLit(link)}
          faded={lit !== undefined && !isLit(link)}
        />
      ))}
    </svg>
  );
}
