import { EngineError } from '../../lib/errors.ts';
import { checkFields, TEXT, TEXT_MAP } from '../../lib/field-types.ts';
import { matchesPattern } from '../../lib/pattern.ts';
import type { Volume } from '../../volumes/volumes.ts';
import type { Volumes } from '../../volumes/create-volumes.ts';
import { asksTrue, matchesAny, matchesLabels } from '../object-filters.ts';
import type { Filters, Route } from '../route.ts';
import { notInSwarm } from './unsupported.ts';

interface VolumeCreateBody {
  Name?: string;
  Driver?: string;
  DriverOpts?: Record<string, string> | null;
  Labels?: Record<string, string> | null;
  ClusterVolumeSpec?: object | null;
}

export function volumeRoutes({ volumes }: { volumes: Volumes }): Route[] {
  return [
    {
      method: 'GET',
      path: '/volumes',
      handler({ query, reply }) {
        const filters = query.filters(['dangling', 'driver', 'label', 'name']);
        // Also where there is no volume that it could be asked of.
        asksTrue(filters, 'dangling');
        const matching = volumes.list().filter((volume) => matchesFilters(volumes, volume, filters));
        reply.json(200, { Volumes: matching.map(toWire), Warnings: null });
      },
    },
    {
      method: 'POST',
      path: '/volumes/create',
      async handler(context) {
        const body = (await context.jsonBody<VolumeCreateBody>()) ?? {};
        checkFields('', body, { Name: TEXT, Driver: TEXT, DriverOpts: TEXT_MAP, Labels: TEXT_MAP });
        if (body.ClusterVolumeSpec && context.apiVersion.atLeast('1.42')) throw notInSwarm();
        const { Name: name, Driver: driver, DriverOpts, Labels } = body;
        const request = { name, driver, options: DriverOpts ?? {}, labels: Labels ?? {} };
        context.reply.json(201, toWire(await volumes.create(request)));
      },
    },
    {
      method: 'GET',
      path: '/volumes/{name}',
      handler({ params, reply }) {
        reply.json(200, toWire(volumes.get(params['name'] ?? '')));
      },
    },
    {
      method: 'PUT',
      path: '/volumes/{name}',
      handler() {
        throw new EngineError(
          'unavailable',
          'volume update only valid for cluster volumes, but swarm is unavailable',
        );
      },
    },
    {
      method: 'DELETE',
      path: '/volumes/{name}',
      async handler({ params, query, reply }) {
        await volumes.remove(params['name'] ?? '', { force: query.boolean('force') });
        reply.empty(204);
      },
    },
    {
      method: 'POST',
      path: '/volumes/prune',
      async handler({ query, apiVersion, reply }) {
        const filters = query.filters(['all', 'label', 'label!']);
        // Before 1.42 all unused volumes were pruned, named ones too.
        const all = !apiVersion.atLeast('1.42') || asksTrue(filters, 'all');
        const { names, reclaimedBytes } = await volumes.prune(
          (volume) => (all || volume.anonymous) && matchesLabels(filters, volume.labels),
        );
        reply.json(200, { VolumesDeleted: names, SpaceReclaimed: reclaimedBytes });
      },
    },
  ];
}

/** The volumes part of `GET /system/df`: as in Docker, without those that have options, which may be anywhere. */
export function volumeUsage(volumes: Volumes): Promise<object[]> {
  const own = volumes.list().filter(({ options }) => Object.keys(options).length === 0);
  return Promise.all(
    own.map(async (volume) => ({
      ...toWire(volume),
      UsageData: { Size: await volumes.measure(volume.name), RefCount: volumes.usersOf(volume.name).length },
    })),
  );
}

function matchesFilters(volumes: Volumes, volume: Volume, filters: Filters): boolean {
  if (filters.has('dangling')) {
    const unused = volumes.usersOf(volume.name).length === 0;
    if (unused !== asksTrue(filters, 'dangling')) return false;
  }
  return (
    matchesAny(filters, 'driver', (driver) => volume.driver === driver) &&
    matchesAny(filters, 'name', (name) => matchesPattern(name)(volume.name)) &&
    matchesLabels(filters, volume.labels)
  );
}

/** Docker sends null for maps that were never set. */
function toWire(volume: Volume): object {
  const orNull = (map: Record<string, string>): object | null => (Object.keys(map).length > 0 ? map : null);
  return {
    CreatedAt: volume.createdAt,
    Driver: volume.driver,
    Labels: orNull(volume.labels),
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: orNull(volume.options),
    Scope: 'local',
  };
}
