import type { Networks } from '../../networks/create-networks.ts';
import { parentCandidates } from '../../networks/host-interfaces.ts';
import type { Reach } from '../../networks/reach/reach.ts';
import type { HostInterface, NetworkLink } from '../../wire/network.ts';
import type { ReachRequest } from '../../wire/reach.ts';
import type { Route } from '../route.ts';

export interface NetworkMapRoutesDeps {
  networks: Pick<Networks, 'list'>;
  reach: Reach;
}

/** What the app's network pages ask beyond Docker. */
export function networkMapRoutes({ networks, reach }: NetworkMapRoutesDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/gantry/v1/networks/links',
      handler({ reply }) {
        reply.json(200, linksOf(networks));
      },
    },
    {
      method: 'GET',
      path: '/gantry/v1/networks/parents',
      handler({ reply }) {
        const ours = networks.list().flatMap(({ record }) => record.bridge?.linkName ?? []);
        const candidates: HostInterface[] = parentCandidates(new Set(ours)).map(({ name, up, mac }) => ({
          Name: name,
          Up: up,
          MacAddress: mac,
        }));
        reply.json(200, candidates);
      },
    },
    {
      // Packets are sent: no GET.
      method: 'POST',
      path: '/gantry/v1/containers/{id}/reach',
      async handler({ params, jsonBody, signal, reply }) {
        reply.json(200, await reach.test(params['id'] ?? '', await jsonBody<ReachRequest>(), signal));
      },
    },
  ];
}

/** By which interface a container is on a network: stats count by interface. */
function linksOf(networks: Pick<Networks, 'list'>): NetworkLink[] {
  return networks.list().flatMap(({ record, attachments }) =>
    [...attachments].flatMap(([containerId, { endpoints, interfaces }]) => {
      const index = endpoints.findIndex(({ networkId }) => networkId === record.id);
      const name = interfaces[index]?.containerName;
      return name === undefined ? [] : [{ NetworkId: record.id, ContainerId: containerId, Interface: name }];
    }),
  );
}
