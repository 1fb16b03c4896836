import { linkOptions } from './bridge-options.ts';
import type { NetworkRegistry } from './network-registry.ts';
import type { Attachment } from './networks.ts';
import { parsePort } from './port-bindings.ts';
import type { LinkRule } from './rules.ts';

/**
 * What `--link` opens between containers whose network lets nothing else pass between them (`--icc=false`).
 * `running`: by ID, with their addresses now.
 */
export function legacyLinkRules(
  running: ReadonlyMap<string, Attachment>,
  registry: Pick<NetworkRegistry, 'get'>,
): LinkRule[] {
  return [...running.values()].flatMap(({ linkedTo = [], endpoints }) =>
    linkedTo.flatMap(({ containerId, ports }) =>
      endpoints.flatMap(({ networkId, ipv4: sourceIp }) => {
        const record = registry.get(networkId)?.record;
        const target = running
          .get(containerId)
          ?.endpoints.find((endpoint) => endpoint.networkId === networkId);
        if (!target || !record?.bridge || linkOptions(record).icc) return [];
        return ports
          .map(parsePort)
          .map(({ protocol, first }) => ({ sourceIp, targetIp: target.ipv4, protocol, port: first }));
      }),
    ),
  );
}
