import type {
  HostInterface as WireHostInterface,
  NetworkInspect,
  NetworkLink as WireNetworkLink,
} from '../../../engine/wire/network.ts';
import type { ReachReply, ReachRequest } from '../../../engine/wire/reach.ts';
import { containerOf, networkOf } from '../engine-objects.ts';
import { createNetwork, engineReply } from '../engine-request.ts';
import { explainUnknownOperation, statusOf } from '../failures.ts';
import { api } from '../implementer.ts';
import { toReachReport } from '../views/reach-view.ts';
import {
  toEndpointSettings,
  toNetworkCreate,
  toNetworkDetails,
  toNetworkSummary,
} from '../views/network-view.ts';

export const networks = {
  list: api.networks.list.handler(async ({ context: { docker } }) => {
    const [list, containers] = await Promise.all([
      docker.listNetworks(),
      docker.listContainers({ all: true }),
    ]);
    return list.map((network) => toNetworkSummary(network, containers));
  }),
  create: api.networks.create.handler(async ({ context, input }) => {
    const created = await createNetwork(context.docker, toNetworkCreate(input));
    return { id: created.Id };
  }),
  remove: api.networks.remove.handler(async ({ context, input }) => {
    await networkOf(context.docker, input.id).remove();
  }),
  inspect: api.networks.inspect.handler(async ({ context: { docker }, input }) => {
    const [network, containers] = await Promise.all([
      networkOf(docker, input.id).inspect() as Promise<NetworkInspect>,
      docker.listContainers({ all: true }),
    ]);
    return toNetworkDetails(network, containers);
  }),
  prune: api.networks.prune.handler(async ({ context }) => {
    const result = await context.docker.pruneNetworks();
    return { removed: result.NetworksDeleted ?? [], reclaimedBytes: 0 };
  }),
  connect: api.networks.connect.handler(async ({ context, input }) => {
    await networkOf(context.docker, input.network).connect({
      Container: input.container,
      EndpointConfig: toEndpointSettings(input),
    });
  }),
  disconnect: api.networks.disconnect.handler(async ({ context, input }) => {
    const { network, container, force } = input;
    await networkOf(context.docker, network).disconnect({ Container: container, Force: force });
  }),
  links: api.networks.links.handler(async ({ context: { docker } }) => {
    const path = '/gantry/v1/networks/links';
    const list = await engineReply<WireNetworkLink[]>(docker, { method: 'GET', path }).catch(noneElsewhere);
    return list.map((link) => ({
      networkId: link.NetworkId,
      containerId: link.ContainerId,
      interfaceName: link.Interface,
    }));
  }),
  hostInterfaces: api.networks.hostInterfaces.handler(async ({ context: { docker } }) => {
    const path = '/gantry/v1/networks/parents';
    const list = await engineReply<WireHostInterface[]>(docker, { method: 'GET', path }).catch(noneElsewhere);
    return list.map(({ Name, Up }) => ({ name: Name, up: Up }));
  }),
  reach: api.networks.reach.handler(async ({ context: { docker }, input }) => {
    const { source, container, host, port, protocol } = input;
    const body: ReachRequest = {
      ...(container !== undefined && { Container: container }),
      ...(host !== undefined && { Host: host }),
      Port: port,
      Protocol: protocol,
    };
    const path = `/gantry/v1/containers/${containerOf(docker, source).id}/reach`;
    const reply = await engineReply<ReachReply>(docker, { method: 'POST', path, body }).catch(
      explainUnknownOperation,
    );
    return toReachReport(reply);
  }),
};

/** What only Gantry tells is nothing on other engines. */
function noneElsewhere(error: unknown): never[] {
  if (statusOf(error) === 404) return [];
  throw error;
}
