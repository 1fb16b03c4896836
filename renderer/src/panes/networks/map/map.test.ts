import { describe, expect, test } from 'vitest';
import type { ContainerSummary, NetworkSummary, StatsPoint } from '../../../../../electron/api/types.ts';
import { rateOf, strokeOf } from './link-rate.ts';
import { isNear, layOutMap } from './map-layout.ts';
import type { MapContainer, Place } from './map-layout.ts';
import { ALONE_HUB, HOST_HUB, toMapModel } from './map-model.ts';

const containersOf = (count: number): MapContainer[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `c${index}`,
    hubs: index % 5 === 0 ? ['a', 'b'] : [index % 2 === 0 ? 'a' : 'b'],
    lines: 1 + (index % 3),
  }));

const overlap = (one: Place, other: Place): boolean =>
  one.x < other.x + other.width &&
  other.x < one.x + one.width &&
  one.y < other.y + other.height &&
  other.y < one.y + one.height;

/** The straight parts of `M x y H x V y …`, as places without a width or a height. */
function linesOf(path: string): Place[] {
  let [x, y] = [0, 0];
  return [...path.matchAll(/([MHV])([\d. ]+)/g)].flatMap(([, command, numbers = '']) => {
    const [first = 0, second = 0] = numbers.split(' ').map(Number);
    const [fromX, fromY] = [x, y];
    if (command === 'M') [x, y] = [first, second];
    else if (command === 'H') x = first;
    else y = first;
    if (command === 'M') return [];
    const [width, height] = [Math.abs(x - fromX), Math.abs(y - fromY)];
    return [{ id: '', x: Math.min(x, fromX), y: Math.min(y, fromY), width, height }];
  });
}

describe.each([1, 10, 200])('a map of %i containers', (count) => {
  test.each([560, 1060, 1600])('%i pixels wide lets nothing cover anything else', (width) => {
    const { hubs, boxes, links, height } = layOutMap(['a', 'b', 'c', 'd', 'e'], containersOf(count), width);
    const places = [...hubs, ...boxes];
    const covered = places.filter((one, index) =>
      places.slice(index + 1).some((other) => overlap(one, other)),
    );
    expect(covered).toEqual([]);
    const outside = places.filter((one) => one.x + one.width > width || one.y + one.height > height);
    expect(outside).toEqual([]);
    const crossing = links
      .flatMap(({ path }) => linesOf(path))
      .filter((line) => places.some((place) => overlap(line, place)));
    expect(crossing).toEqual([]);
  });

  test('has a link for each network of each container', () => {
    const { links } = layOutMap(['a', 'b'], containersOf(count), 1000);
    expect(links).toHaveLength(containersOf(count).flatMap(({ hubs }) => hubs).length);
  });
});

test('what is far from the screen is not drawn', () => {
  const place = { id: '', x: 0, y: 5000, width: 10, height: 10 };
  expect(isNear(place, 0, 800)).toBe(false);
  expect(isNear(place, 4500, 800)).toBe(true);
});

describe('what the map shows', () => {
  const network = (name: string, ids: string[], predefined = false) =>
    ({
      id: `id-${name}`,
      name,
      predefined,
      containers: ids.map((id) => ({ id, name: id, ip: '10.0.0.2' })),
    }) as unknown as NetworkSummary;
  const container = (id: string, networks: string[], ports: ContainerSummary['ports'] = []) =>
    ({ id, name: id, networks, ports, state: 'running' }) as unknown as ContainerSummary;
  const networks = [network('host', [], true), network('spare', []), network('app', ['web', 'db'])];
  const port = { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' };
  const containers = [container('web', ['app'], [port]), container('db', ['app']), container('guest', [])];
  const links = [{ networkId: 'id-app', containerId: 'web', interfaceName: 'eth0' }];

  test('is every network of the user, the host where ports are published, and who is alone', () => {
    const { hubs, nodes } = toMapModel(networks, containers, links, () => true);
    expect(hubs.map(({ id, members }) => [id, members])).toEqual([
      ['id-app', 2],
      [ALONE_HUB, 1],
      [HOST_HUB, 1],
      ['id-spare', 0],
    ]);
    expect(nodes.map(({ id, hubs }) => [id, hubs])).toEqual([
      ['db', ['id-app']],
      ['guest', [ALONE_HUB]],
      ['web', ['id-app', HOST_HUB]],
    ]);
    expect(nodes.at(-1)).toMatchObject({
      ports: ['8080:80'],
      networks: [{ name: 'app', ip: '10.0.0.2', interfaceName: 'eth0' }],
    });
  });

  test('is less where a filter chooses', () => {
    const { hubs, nodes } = toMapModel(networks, containers, links, (name) => name.includes('db'));
    expect(hubs.map(({ id }) => id)).toEqual(['id-app']);
    expect(nodes.map(({ id }) => id)).toEqual(['db']);
  });
});

describe('the rate of a link', () => {
  const point = {
    networkRxBytesPerSecond: 30,
    networkTxBytesPerSecond: 5,
    interfaces: [
      { name: 'eth0', rxBytesPerSecond: 10, txBytesPerSecond: 1 },
      { name: 'eth1', rxBytesPerSecond: 20, txBytesPerSecond: 4 },
    ],
  } as StatsPoint;
  const link = (interfaceName: string | undefined) => ({ id: 'n', name: 'n', ip: '', interfaceName });

  test('is that of its interface', () => {
    expect(rateOf(point, { networks: [link('eth0'), link('eth1')] }, link('eth1'))).toEqual({
      received: 20,
      sent: 4,
    });
  });

  test('is that of the container on its only network, and not guessed on several', () => {
    const unnamed = link(undefined);
    expect(rateOf(point, { networks: [unnamed] }, unnamed)).toEqual({ received: 30, sent: 5 });
    expect(rateOf(point, { networks: [unnamed, unnamed] }, unnamed)).toBeUndefined();
    expect(rateOf(undefined, { networks: [unnamed] }, unnamed)).toBeUndefined();
  });

  test('makes its line thicker, within bounds', () => {
    const widths = [0, 500, 50_000, 500_000, 5e12].map((bytes) => strokeOf({ received: bytes, sent: 0 }));
    expect(widths).toEqual(widths.toSorted((a, b) => a - b));
    expect(new Set(widths).size).toBe(5);
    expect(widths.at(-1)).toBe(5);
  });
});
