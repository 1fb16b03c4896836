/** What is drawn: hubs (networks, and the host for published ports) on the left, containers beside their first hub. */
export interface MapContainer {
  id: string;
  /** Hubs that it is on, the first of which it stands beside. */
  hubs: readonly string[];
  /** Lines of text below its name. */
  lines: number;
}

export interface Place {
  id: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface MapLink {
  hub: string;
  container: string;
  /** Index of the hub, which decides about the colour. */
  hubIndex: number;
  path: string;
}

export interface MapLayout {
  hubs: Place[];
  boxes: Place[];
  links: MapLink[];
  height: number;
}

const MARGIN = 20;
const HUB = { narrow: 140, wide: 190, height: 58 };
const BOX = { least: 224, most: 320, head: 32, line: 17, tail: 7, gapX: 14 };
/** Between rows run the links, between hubs and boxes they go up and down, each hub's at a place of its own. */
const ROW_GAP = 30;
const CHANNEL = 52;
const TRACKS = 6;

/**
 * Lays the map out in `width` pixels. Links run in the gaps only: from the hub to the channel, along the gap above the
 * container's row, and down into its top.
 */
export function layOutMap(
  hubIds: readonly string[],
  containers: readonly MapContainer[],
  width: number,
): MapLayout {
  const hubWidth = width < 700 ? HUB.narrow : HUB.wide;
  const left = MARGIN + hubWidth + CHANNEL;
  const room = Math.max(BOX.least, width - MARGIN - left);
  const columns = Math.max(1, Math.floor((room + BOX.gapX) / (BOX.least + BOX.gapX)));
  const boxWidth = Math.min(BOX.most, (room + BOX.gapX) / columns - BOX.gapX);
  const hubs: Place[] = [];
  const boxes: Place[] = [];
  const used = new Set(containers.flatMap(({ hubs: on }) => on));
  let y = 0;
  for (const hub of hubIds.filter((id) => used.has(id))) {
    const members = containers.filter(({ hubs: [first] }) => first === hub);
    let bottom = y + ROW_GAP;
    for (let at = 0; at < members.length; at += columns) {
      const row = members.slice(at, at + columns);
      const height = Math.max(...row.map(boxHeight));
      row.forEach(({ id }, column) => {
        boxes.push({ id, x: left + column * (boxWidth + BOX.gapX), y: bottom, width: boxWidth, height });
      });
      bottom += height + ROW_GAP;
    }
    hubs.push({ id: hub, x: MARGIN, y: y + ROW_GAP, width: hubWidth, height: HUB.height });
    y = Math.max(bottom - ROW_GAP, y + ROW_GAP + HUB.height);
  }
  const links = linksOf(hubs, boxes, containers);
  const unused = gridOf(
    hubIds.filter((id) => !used.has(id)),
    { y: y + ROW_GAP, hubWidth, width },
  );
  const bottom = Math.max(y, ...unused.map((hub) => hub.y + hub.height));
  return { hubs: [...hubs, ...unused], boxes, links, height: bottom + ROW_GAP };
}

/** Hubs that nobody is on, several in a row. */
function gridOf(ids: readonly string[], room: { y: number; hubWidth: number; width: number }): Place[] {
  const { y, hubWidth, width } = room;
  const step = hubWidth + BOX.gapX;
  const columns = Math.max(1, Math.floor((width - 2 * MARGIN + BOX.gapX) / step));
  return ids.map((id, index) => ({
    id,
    x: MARGIN + (index % columns) * step,
    y: y + Math.floor(index / columns) * (HUB.height + BOX.gapX),
    width: hubWidth,
    height: HUB.height,
  }));
}

const boxHeight = ({ lines }: MapContainer): number => BOX.head + lines * BOX.line + BOX.tail;

function linksOf(hubs: Place[], boxes: Place[], containers: readonly MapContainer[]): MapLink[] {
  const boxOf = new Map(boxes.map((box) => [box.id, box]));
  const hubAt = new Map(hubs.map((hub, index) => [hub.id, { hub, index }]));
  return containers.flatMap(({ id, hubs: on }) =>
    on.flatMap((name, entry) => {
      const found = hubAt.get(name);
      const box = boxOf.get(id);
      if (!found || !box) return [];
      const path = pathOf(found.hub, found.index % TRACKS, box, entry);
      return [{ hub: name, container: id, hubIndex: found.index, path }];
    }),
  );
}

function pathOf(hub: Place, track: number, box: Place, entry: number): string {
  const right = hub.x + hub.width;
  const channel = right + 10 + track * 6;
  const above = box.y - 7 - track * 3;
  const into = box.x + Math.min(16 + entry * 12, box.width - 12);
  return `M${right} ${hub.y + hub.height / 2}H${channel}V${above}H${into}V${box.y}`;
}

/** Of what is drawn, the part that is on the screen and a little more. */
export function isNear(place: Place, top: number, height: number): boolean {
  return place.y + place.height > top - height / 2 && place.y < top + height * 1.5;
}
