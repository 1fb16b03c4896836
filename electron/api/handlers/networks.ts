import { createNetwork } from '../engine-request.ts';
import { networkOf } from '../engine-objects.ts';
import { api } from '../implementer.ts';
import { toNetworkSummary } from '../views/network-view.ts';

export const networks = {
  list: api.networks.list.handler(async ({ context: { docker } }) => {
    const [list, containers] = await Promise.all([
      docker.listNetworks(),
      docker.listContainers({ all: true }),
    ]);
    return list.map((network) => toNetworkSummary(network, containers));
  }),
  create: api.networks.create.handler(async ({ context, input }) => {
    const { subnet, gateway } = input;
    const created = await createNetwork(context.docker, {
      Name: input.name,
      Driver: 'bridge',
      Internal: input.internal,
      Labels: input.labels,
      ...((subnet || gateway) && {
        IPAM: { Config: [{ ...(subnet && { Subnet: subnet }), ...(gateway && { Gateway: gateway }) }] },
      }),
    });
    return { id: created.Id };
  }),
  remove: api.networks.remove.handler(async ({ context, input }) => {
    await networkOf(context.docker, input.id).remove();
  }),
  inspect: api.networks.inspect.handler(({ context, input }) =>
    networkOf(context.docker, input.id).inspect(),
  ),
  prune: api.networks.prune.handler(async ({ context }) => {
    const result = await context.docker.pruneNetworks();
    return { removed: result.NetworksDeleted ?? [], reclaimedBytes: 0 };
  }),
};
