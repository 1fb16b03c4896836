import { describe, expect, it } from 'vitest';
import { notFound } from '../lib/errors.ts';
import { Container } from './container.ts';
import { compileFilters, type FilterContext } from './list-filters.ts';
import type { ContainerRecord } from './record.ts';
import { ContainerStore } from './store.ts';

const image = (id: string, parent: string) => ({ id, parent });
const images: Record<string, ReturnType<typeof image>> = {
  base: image('base', ''),
  child: image('child', 'base'),
  other: image('other', 'gone'),
};

const store = new ContainerStore();
const make = (
  id: string,
  second: number,
  part: object,
  state: object = { status: 'exited', exitCode: 3, startedAt: '2026-01-01T00:00:09Z', pid: 0 },
) => {
  const record = {
    id: id.padEnd(64, '0'),
    name: `name-${id}`,
    createdAt: `2026-01-01T00:00:0${second}.000001Z`,
    imageId: 'base',
    config: {},
    hostConfig: { NetworkMode: 'none' },
    endpoints: {},
    mounts: [],
    state,
    attachment: null,
    ...part,
  };
  const container = new Container(record as unknown as ContainerRecord, '/');
  store.add(container);
  return container;
};
const a = make('aa', 1, { config: { Labels: { tier: 'web', x: '' }, ExposedPorts: { '80/tcp': {} } } });
const b = make(
  'bb',
  2,
  {
    imageId: 'child',
    config: { ExposedPorts: { '80/tcp': {} } },
    hostConfig: { NetworkMode: 'bridge' },
    endpoints: { bridge: {} },
    attachment: {
      endpoints: [],
      ports: [{ hostIp: '0.0.0.0', hostPort: 5300, containerPort: 53, protocol: 'udp' }],
    },
  },
  { status: 'running', exitCode: 0, pid: 7 },
);
const c = make('cc', 3, { imageId: 'other', mounts: [{ name: 'vol', source: '/v', destination: '/data' }] });

const context = {
  store,
  images: {
    get(reference: string) {
      const found = images[reference];
      if (!found) throw notFound(`No such image: ${reference}`);
      return found;
    },
  },
  resolveNetwork: (name: string) => ({ id: `id-of-${name}`, name, driver: 'bridge' }),
} as unknown as FilterContext;

function select(filters: Record<string, string[]>): Container[] {
  const matches = compileFilters(
    { has: (name) => (filters[name]?.length ?? 0) > 0, values: (name) => filters[name] ?? [] },
    context,
  );
  return store.list().filter(matches);
}

describe('list filters', () => {
  it.each([
    [{ id: ['aa'] }, [a]],
    [{ name: ['name-b'] }, [b]],
    [{ name: ['^/name-cc$', 'aa'] }, [a, c]],
    [{ status: ['running'] }, [b]],
    [{ exited: ['3'] }, [a, c]],
    [{ exited: ['0'] }, []],
    [{ label: ['tier'] }, [a]],
    [{ label: ['tier=web', 'x'] }, [a]],
    [{ label: ['tier=db'] }, []],
    [{ before: ['name-bb'] }, [a]],
    [{ since: ['aa'] }, [b, c]],
    [{ volume: ['vol'] }, [c]],
    [{ volume: ['/data'] }, [c]],
    [{ network: ['bridge'] }, [b]],
    [{ network: ['id-of-b'] }, [b]],
    [{ network: ['none'] }, [a, c]],
    [{ expose: ['80'] }, [b]],
    [{ expose: ['70-90/tcp'] }, [b]],
    [{ publish: ['5300/udp'] }, [b]],
    [{ publish: ['53/udp'] }, []],
    [{ publish: ['5300'] }, []],
    [{ publish: ['1'], expose: ['80'] }, [b]],
    [{ ancestor: ['base'] }, [a, b]],
    [{ ancestor: ['child'] }, [b]],
    [{ ancestor: ['unknown'] }, []],
    [{ health: ['none'] }, [a, b, c]],
    [{ 'is-task': ['true'] }, []],
    [{ isolation: ['hyperv'] }, [a, b, c]],
    [{ status: ['exited'], label: ['tier'] }, [a]],
  ])('%j', (filters, expected) => {
    expect(select(filters as Record<string, string[]>)).toEqual(expected);
  });

  it.each([
    [{ status: ['sleeping'] }, "invalid filter 'status=sleeping'"],
    [{ exited: ['x'] }, "invalid filter 'exited=x'"],
    [{ health: ['ill'] }, "invalid filter 'health=ill'"],
    [{ publish: ['web'] }, 'error while looking up for publish web: invalid port'],
    [{ before: ['zz'] }, 'No such container: zz'],
  ])('refuses %j', (filters, text) => {
    expect(() => select(filters as unknown as Record<string, string[]>)).toThrow(text);
  });
});
