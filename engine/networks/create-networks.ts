import type { EventPublisher } from '../events/events.ts';
import { EngineError, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { Mutex } from '../lib/mutex.ts';
import type { NetworkCreateRequest } from '../wire/network.ts';
import { AttachedContainers } from './attached-containers.ts';
import { BridgeLinks } from './bridge-links.ts';
import { checkSettings } from './endpoint-settings.ts';
import { Firewall } from './firewall.ts';
import type { DefaultPool } from './host-subnets.ts';
import { rewriteHostLine } from './hosts-file.ts';
import { NameService } from './name-service.ts';
import { NetworkLinks, noPeers } from './network-links.ts';
import { isPredefined, type NetworkRecord } from './network-record.ts';
import { specify, type NetworkSpecification } from './network-specification.ts';
import { NetworkRegistry, type Network } from './network-registry.ts';
import type { Attachment, NetworkAttacher } from './networks.ts';
import type { OverlaySettings } from './overlay/overlay-settings.ts';
import { hasXfrm, Ipsec } from './overlay/ipsec.ts';
import { isEncrypted } from './overlay/overlay-options.ts';
import { Overlays } from './overlay/overlays.ts';
import { hadPeers } from './overlay/peer-states.ts';
import { VxlanLinks } from './overlay/vxlan-links.ts';
import type { Uplink } from './uplink.ts';
import { tableName } from './rules.ts';

interface NetworksOptions {
  dataRoot: string;
  /** Holds what the containers' DNS servers read. */
  runRoot: string;
  /** Link of the predefined network `bridge`; default gantry0. */
  bridgeName: string | undefined;
  /** Its subnet in CIDR notation; undefined: one that the host does not use. */
  defaultSubnet: string | undefined;
  /** Containers on it may talk to each other; default: they may. */
  icc?: boolean;
  /** Where the ports of the host are not those of the engine's network namespace; undefined: they are. */
  uplink?: Uplink | undefined;
  /** Where subnets come from that nobody asked for; default: Docker's pools. */
  defaultPools?: readonly DefaultPool[];
  /** Override another firewall's policy to drop what is forwarded, where bridges are concerned. */
  opensForwarding?: boolean;
  /** The engines that overlay networks reach; undefined: none. */
  overlay?: OverlaySettings | undefined;
  events: EventPublisher;
  logger: Logger;
  /** Runs a subcommand of the native binary. */
  runTask: (argv: string[]) => Promise<void>;
}

/** A network and who is on it now. */
export interface NetworkView {
  record: NetworkRecord;
  /** Running containers by ID. */
  attachments: Map<string, Attachment>;
}

/** The networks domain: what the API and the composition root use, on top of what containers do. */
export interface Networks extends NetworkAttacher {
  /** Loads the records. Before containers are recovered. */
  start(): Promise<void>;
  /**
   * After containers are recovered: removes bridges that nobody is connected to (an engine that was killed left
   * them; they are made again when needed) and brings the rules in line with who is really there.
   */
  settle(): Promise<void>;
  /** Leaves running containers connected; without any, nothing of ours stays in the kernel. */
  close(): Promise<void>;
  create(request: NetworkCreateRequest): Promise<NetworkRecord>;
  inspect(nameOrId: string): NetworkView;
  list(): NetworkView[];
  remove(nameOrId: string): Promise<void>;
  /** Removes user-defined networks that no container is on and `matches` accepts; returns their names. */
  prune(matches: (record: NetworkRecord) => boolean): Promise<string[]>;
}

export function createNetworks(options: NetworksOptions): Networks {
  const { dataRoot, runRoot, uplink, events, logger, runTask } = options;
  const { bridgeName = 'gantry0', defaultSubnet, defaultPools = [] } = options;
  const { overlay: settings, opensForwarding = false } = options;
  const registry = new NetworkRegistry({
    dataRoot,
    bridgeName,
    defaultSubnet,
    defaultIcc: options.icc ?? true,
    defaultPools,
    overlayAddress: settings?.own.address,
    logger,
  });
  const links = new BridgeLinks(dataRoot);
  const ipsec = new Ipsec({ owner: links.alias, settings });
  const vxlan = settings && new VxlanLinks(links, settings, ipsec);
  /** Held while a network or its link comes or goes. */
  const structure = new Mutex();
  const table = tableName(bridgeName);
  const hasEncrypted = () => registry.list().some(({ record }) => isEncrypted(record));
  const wanted = () => ({
    bridges: networkLinks.bridgeRules(),
    ports: attached.portRules(),
    links: attached.linkRules(),
    tunnel: settings && { ...settings, encrypted: hasEncrypted() && hasXfrm() },
  });
  const firewall = new Firewall({ table, runTask, logger, wanted });
  const networkLinks = new NetworkLinks({
    registry,
    links,
    firewall,
    vxlan,
    opensForwarding,
    mark: table,
    logger,
  });

  async function ensureLink(network: Network): Promise<void> {
    if (networkLinks.isThere(network)) return;
    await structure.run(async () => {
      if (networkLinks.isThere(network)) return;
      // It may have been removed meanwhile, by another engine, too.
      registry.resolve(network.record.id);
      if (network.record.bridge && !attached.anyOn(network.record.id)) await registry.confirmSubnets(network);
      await networkLinks.make(network);
      await attached.rejoin(network.record.id);
    });
    if (network.record.overlay) await overlays?.syncLink(network.record.id);
  }

  const names: NameService = new NameService({
    runRoot,
    registry,
    logger,
    attachments: () => attached.all(),
    elsewhere: (networkId) => overlays?.endpointsOn(networkId) ?? [],
    changed: () => overlays?.announce(),
  });
  const attached: AttachedContainers = new AttachedContainers({
    uplink,
    registry,
    firewall,
    names,
    events,
    logger,
    ensureLink,
    admit: async (wanted) => (await overlays?.admit(wanted)) ?? (() => undefined),
  });
  const overlays =
    settings &&
    vxlan &&
    new Overlays({
      dataRoot,
      settings,
      registry,
      vxlan,
      ipsec,
      hasEncrypted,
      logger,
      attachments: () => attached.all(),
      changed: (networkIds) => names.updateNetworks(networkIds),
      remove: (networkId) => structure.run(() => removeNetwork(registry.resolve(networkId))),
      forget: (network) => forgetNetwork(network),
    });

  async function removeNetwork(network: Network): Promise<void> {
    const { id, name, configOnly } = network.record;
    const [active] = attached.on(id);
    if (active) {
      const endpointId = active[1].endpoints.find((endpoint) => endpoint.networkId === id)?.endpointId ?? '';
      throw new EngineError(
        'forbidden',
        `error while removing network: network ${name} id ${id} has active endpoints (name:"${active[1].containerName}" id:"${endpointId.slice(0, 12)}")`,
      );
    }
    if (configOnly && registry.list().some(({ record }) => record.configFrom === name)) {
      throw new EngineError('forbidden', `configuration network ${JSON.stringify(name)} is in use`);
    }
    if (network.record.overlay && overlays && !overlays.isElsewhere(network.record)) {
      await overlays.release(network.record);
    }
    await forgetNetwork(network);
    overlays?.announce();
  }

  async function forgetNetwork(network: Network): Promise<void> {
    const { id, name, driver } = network.record;
    await registry.remove(id);
    names.forgetNetwork(id);
    await networkLinks.remove(network);
    if (isEncrypted(network.record)) await overlays?.settleEncryption();
    events.publish({ type: 'network', action: 'destroy', actor: { id, attributes: { name, type: driver } } });
  }

  /** In agreement with the other engines where it reaches them. */
  async function insert(specification: NetworkSpecification): Promise<Network> {
    if (specification.driver !== 'overlay') return registry.add(specification);
    if (!overlays) throw noPeers();
    const record = await registry.compose(specification, await overlays.subnetsElsewhere());
    record.overlay = await overlays.design(record);
    await overlays.propose(record, record.overlay);
    return registry.insert(record).finally(() => overlays.announce());
  }

  async function addNetwork(request: NetworkCreateRequest): Promise<NetworkRecord> {
    const network = await insert(specify(request));
    const { id, name, driver } = network.record;
    try {
      await networkLinks.make(network);
    } catch (error) {
      await registry.remove(id);
      await networkLinks.remove(network).catch((reason: unknown) => {
        logger.warn('a link stays until the next start', { network: name, error: messageOf(reason) });
      });
      if (isEncrypted(network.record)) await overlays?.settleEncryption();
      overlays?.announce();
      throw error;
    }
    events.publish({ type: 'network', action: 'create', actor: { id, attributes: { name, type: driver } } });
    return network.record;
  }

  async function prune(matches: (record: NetworkRecord) => boolean): Promise<string[]> {
    const removed: string[] = [];
    for (const network of registry.list()) {
      const { id, name } = network.record;
      if (isPredefined(name) || attached.anyOn(id) || !matches(network.record)) continue;
      if (overlays?.isElsewhere(network.record)) continue;
      await removeNetwork(network).then(
        () => removed.push(name),
        (error: unknown) => logger.warn('network not pruned', { network: name, error: messageOf(error) }),
      );
    }
    return removed;
  }

  const view = ({ record }: Network): NetworkView => ({
    record,
    attachments: new Map(attached.on(record.id)),
  });

  return {
    async start() {
      await registry.load();
      await overlays?.load();
    },
    async settle() {
      await names.rewrite();
      await names.start();
      if ((await links.owned()).length > 0) {
        await links.remove(await links.unusedBridges());
        await networkLinks.applyRules();
      }
      await overlays?.start();
      if (overlays || !hadPeers(dataRoot)) return;
      await ipsec.clear().catch((error: unknown) => {
        logger.error('keys of encrypted networks stay', { error: messageOf(error) });
      });
    },
    async close() {
      await overlays?.close();
      names.close();
      firewall.close();
      await attached.close();
      if (attached.count > 0) return;
      // Also those whose last namespaces the kernel is still taking down: nobody is on them any more.
      const owned = await links.owned();
      if (owned.length > 0) {
        await links.remove(owned);
        await networkLinks.applyRules();
      }
      if (hasEncrypted()) await overlays?.clearEncryption();
    },
    resolve(nameOrId) {
      const { id, name, driver } = registry.resolve(nameOrId).record;
      return { id, name, driver };
    },
    checkSettings(nameOrId, settings) {
      const record = registry.find(nameOrId)?.record;
      checkSettings(record?.name ?? nameOrId, record, settings);
    },
    attach: (request) => attached.attach(request),
    writeFiles: (request) => attached.writeFiles(request),
    resolverOf: (containerId) => attached.resolverOf(containerId),
    async rewriteLink({ hostsFile }, line) {
      if (hostsFile !== undefined) await rewriteHostLine(hostsFile, line);
    },
    publish: (containerId) => attached.publish(containerId),
    connect: (request, network, plug) => attached.connect(request, network, plug),
    disconnect: (containerId, networkId, unplug) => attached.disconnect(containerId, networkId, unplug),
    detach: (containerId) => attached.detach(containerId),
    restore: (containerId, attachment, plug) => attached.restore(containerId, attachment, plug),
    rename: async (containerId, name) => attached.rename(containerId, name),
    create: (request) => structure.run(() => addNetwork(request)),
    inspect: (nameOrId) => view(registry.resolve(nameOrId)),
    list: () => registry.list().map(view),
    async remove(nameOrId) {
      const { record } = registry.resolve(nameOrId);
      if (isPredefined(record.name)) {
        throw new EngineError('forbidden', `${record.name} is a pre-defined network and cannot be removed`);
      }
      // Without holding anything: that engine asks us in turn.
      if (overlays?.isElsewhere(record)) await overlays.removeElsewhere(record);
      await structure.run(async () => {
        const network = overlays ? registry.get(record.id) : registry.resolve(record.id);
        if (network) await removeNetwork(network);
      });
    },
    prune: (matches) => structure.run(() => prune(matches)),
  };
}
