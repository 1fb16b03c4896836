import { randomInt } from 'node:crypto';
import { conflict, EngineError, messageOf, notFound } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { EndpointRequest } from '../endpoint-request.ts';
import { namesOn } from '../name-tables.ts';
import type { NetworkRecord, OverlayRecord } from '../network-record.ts';
import type { Network, NetworkRegistry } from '../network-registry.ts';
import type { Attachment } from '../networks.ts';
import { formatSubnet, parseSubnet, type Subnet } from '../subnet.ts';
import { AddressLoans } from './address-loans.ts';
import type { Ipsec } from './ipsec.ts';
import { isEncrypted, overlayOptions } from './overlay-options.ts';
import { readKey, type OverlaySettings } from './overlay-settings.ts';
import { PeerEncryption } from './peer-encryption.ts';
import { PeerExchange } from './peer-exchange.ts';
import { checkState, claimOf, idOf, type PeerState, type RemoteEndpoint } from './peer-state.ts';
import { PeerStates } from './peer-states.ts';
import { fromReplica, toReplica } from './replica.ts';
import type { VxlanLinks } from './vxlan-links.ts';

interface OverlaysOptions {
  dataRoot: string;
  settings: OverlaySettings;
  registry: NetworkRegistry;
  vxlan: VxlanLinks;
  ipsec: Ipsec;
  /** A network of the registry is encrypted. */
  hasEncrypted: () => boolean;
  /** Everybody who is attached here now. */
  attachments: () => [containerId: string, attachment: Attachment][];
  /** Who is elsewhere on these networks has changed. */
  changed: (networkIds: ReadonlySet<string>) => void;
  /** Removes a network that was made here, or throws. */
  remove: (networkId: string) => Promise<void>;
  /** Forgets a network that was made elsewhere and that nobody is on. */
  forget: (network: Network) => Promise<void>;
  logger: Logger;
}

/**
 * What this engine and its peers agree on. Plain rules instead of a vote:
 * - A network belongs to the engine that made it (`home`), which alone removes it. Peers mirror its record.
 * - Its members are fixed when it is made, and each hands out the addresses of its own slot without asking. An address
 *   that a client asks for and that is another's is lent by that engine, which writes it down before it answers.
 * - Each engine tells its peers all that it has, whole, whenever that changes and when they meet again.
 * So an address is never given twice, whoever is dead or cut off; what is cut off is asking for another's addresses,
 * and removing another's networks.
 */
export class Overlays {
  readonly #options: OverlaysOptions;
  readonly #states: PeerStates;
  #exchange: PeerExchange | undefined;
  readonly #loans: AddressLoans;
  #encryption: PeerEncryption | undefined;
  /** Peers that are being told something now → whether there is more to tell. */
  readonly #telling = new Map<string, boolean>();
  readonly #complained = new Set<string>();

  constructor(options: OverlaysOptions) {
    this.#options = options;
    this.#states = new PeerStates(options.dataRoot);
    const { registry, settings, logger } = options;
    this.#loans = new AddressLoans({
      own: settings.own.address,
      registry,
      states: this.#states,
      ask: (peer, request) => this.#ask(peer, request),
      changed: () => this.announce(),
      logger,
    });
  }

  /** Before containers take their addresses back. Throws invalid-argument for a secret that is none. */
  async load(): Promise<void> {
    const { settings, ipsec, hasEncrypted, logger } = this.#options;
    const key = await readKey(settings.secretFile);
    await this.#states.load(
      settings.peers.map(({ address }) => address),
      logger,
    );
    this.#loans.recount();
    this.#encryption = new PeerEncryption({
      own: settings.own.address,
      secret: key,
      ipsec,
      wanted: hasEncrypted,
      ask: (peer, request) => this.#ask(peer, request),
      tell: (peer) => this.#tellIfThere(peer),
      logger,
    });
    this.#exchange = new PeerExchange({
      settings,
      key,
      logger,
      answer: (peer, request) => this.#answer(peer, request),
      connected: (peer) => {
        this.#encryption?.expire(peer);
        void this.#tell(peer);
      },
    });
  }

  /** Once it is known who is here. */
  async start(): Promise<void> {
    await this.#encryption?.start();
    await this.#exchange?.start();
    await this.#syncLinks(new Set(this.#options.registry.list().map(({ record }) => record.id)));
  }

  async close(): Promise<void> {
    this.#encryption?.close();
    await this.#exchange?.close();
  }

  /** Something that peers know of has changed here. */
  announce(): void {
    for (const peer of this.#exchange?.connected() ?? []) void this.#tell(peer);
  }

  /** SECURITY: peers have a say in overlay networks only, whatever they name. */
  endpointsOn(networkId: string): (RemoteEndpoint & { host: string })[] {
    const isShared = this.#options.registry.get(networkId)?.record.overlay !== undefined;
    return isShared ? this.#states.endpointsOn(networkId) : [];
  }

  /**
   * What an overlay network made here has besides its record. Throws conflict for a VXLAN id that is taken,
   * not-implemented for encryption that the kernel does not have.
   */
  async design({ options }: Pick<NetworkRecord, 'options'>): Promise<OverlayRecord> {
    const { settings, ipsec, registry } = this.#options;
    const { own, peers } = settings;
    const { vni: asked, encrypted } = overlayOptions(options);
    if (encrypted) await ipsec.check();
    const taken = new Set(registry.list().map(({ record }) => record.overlay?.vni));
    if (asked !== undefined && taken.has(asked))
      throw conflict(`VXLAN id ${asked} is used by another network`);
    const free = (): number => {
      const vni = randomInt(FIRST_VNI, 2 ** 24);
      return taken.has(vni) ? free() : vni;
    };
    const members = [own, ...peers].map(({ address }) => address).toSorted();
    return { vni: asked ?? free(), home: own.address, members };
  }

  /** Of the hosts of all peers that are there. */
  async subnetsElsewhere(): Promise<Subnet[]> {
    const answers = await this.#askAll({ kind: 'subnets' });
    return answers
      .flatMap((answer) => (Array.isArray(answer) ? answer : []))
      .map((text) => parseSubnet(String(text)))
      .filter((subnet) => subnet !== undefined);
  }

  /** Tells the peers that are there of a network to be, or throws what one of them has against it. */
  async propose(record: NetworkRecord, overlay: OverlayRecord): Promise<void> {
    try {
      await this.#askAll({ kind: 'adopt', network: toReplica(record, overlay) });
    } catch (error) {
      // Those that agreed learn that there is no such network.
      this.announce();
      throw error;
    }
  }

  /** As `AddressLoans.admit`. */
  admit(wanted: readonly EndpointRequest[]): Promise<() => void> {
    return this.#loans.admit(wanted);
  }

  /** Whether the network is another engine's to remove: one that is still a peer. */
  isElsewhere({ overlay }: NetworkRecord): boolean {
    return (
      overlay !== undefined && this.#options.settings.peers.some(({ address }) => address === overlay.home)
    );
  }

  /** By the engine that made it. */
  async removeElsewhere({ id, overlay }: NetworkRecord): Promise<void> {
    await this.#ask(overlay?.home ?? '', { kind: 'remove', networkId: id }).catch((error: unknown) => {
      if (!(error instanceof EngineError) || error.kind !== 'not-found') throw error;
    });
  }

  /** Before a network of ours is removed: nobody is on it anywhere, and the peers that are there let go of it. */
  async release({ id, name }: NetworkRecord): Promise<void> {
    const [remote] = this.endpointsOn(id);
    if (remote) throw inUse(name, id, `${remote.containerName} on the engine at ${remote.host}`);
    await this.#askAll({ kind: 'release', networkId: id });
  }

  /** After an overlay network is gone. */
  async settleEncryption(): Promise<void> {
    await this.#encryption?.settle();
  }

  /** After `close`, where no container is left. */
  async clearEncryption(): Promise<void> {
    await this.#encryption?.clear();
  }

  async syncLink(networkId: string): Promise<void> {
    await this.#syncLinks(new Set([networkId]));
  }

  get #own(): string {
    return this.#options.settings.own.address;
  }

  #ask(peer: string, request: object): Promise<unknown> {
    const { peers } = this.#options.settings;
    if (!this.#exchange || !peers.some(({ address }) => address === peer)) {
      return Promise.reject(new EngineError('unavailable', `the engine at ${peer} is no peer of this one`));
    }
    return this.#exchange.ask(peer, request);
  }

  /** Those that are there. One that goes meanwhile learns of it when it is back. */
  async #askAll(request: object): Promise<unknown[]> {
    const asked = (this.#exchange?.connected() ?? []).map((peer) =>
      this.#ask(peer, request).catch((error: unknown) => {
        if (error instanceof EngineError && error.kind === 'unavailable') return undefined;
        throw error;
      }),
    );
    const answers = await Promise.allSettled(asked);
    const refused = answers.find((answer) => answer.status === 'rejected');
    if (refused) throw refused.reason;
    return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined));
  }

  /** Otherwise it is told when it is. */
  #tellIfThere(peer: string): void {
    if (this.#exchange?.connected().includes(peer)) void this.#tell(peer);
  }

  /** One telling at a time for each peer, always of the state at that moment. */
  async #tell(peer: string): Promise<void> {
    if (this.#telling.has(peer)) {
      this.#telling.set(peer, true);
      return;
    }
    try {
      do {
        this.#telling.set(peer, false);
        await this.#ask(peer, { kind: 'state', state: this.#state() });
        // Now the peer has the networks that are to be encrypted, too.
        await this.#encryption?.ensure(peer);
      } while (this.#telling.get(peer));
    } catch (error) {
      this.#options.logger.warn('a peer was not told of a change', { peer, error: messageOf(error) });
      // It is told when it is there again.
      this.#exchange?.reset(peer);
    } finally {
      this.#telling.delete(peer);
    }
  }

  #state(): PeerState {
    const { registry, attachments } = this.#options;
    const networks = registry.list().flatMap(({ record }) => {
      const { overlay } = record;
      return overlay?.home === this.#own ? [toReplica(record, overlay)] : [];
    });
    const endpoints = attachments().flatMap(([containerId, attachment]) =>
      attachment.endpoints
        .filter(({ networkId }) => registry.get(networkId)?.record.overlay)
        .map(({ networkId, ipv4, ipv6, mac }) => ({
          networkId,
          containerName: attachment.containerName,
          names: namesOn(containerId, attachment, networkId),
          ipv4,
          ipv6,
          mac,
        })),
    );
    return { networks, endpoints, claims: this.#loans.claims() };
  }

  async #answer(peer: string, request: Record<string, unknown>): Promise<unknown> {
    switch (request['kind']) {
      case 'state':
        return this.#learn(peer, request['state']);
      case 'subnets':
        return (await this.#options.registry.subnetsInUse()).map(formatSubnet);
      case 'adopt':
        return this.#adopt(peer, fromReplica(request['network']));
      case 'lend':
        return this.#loans.lend(peer, claimOf(request));
      case 'encrypt':
        return this.#encryption?.accept(peer, request);
      case 'remove':
        return this.#removeFor(idOf(request['networkId']));
      case 'release':
        return this.#letGo(peer, idOf(request['networkId']));
      default:
        throw new EngineError('not-implemented', `unknown request ${String(request['kind'])}`);
    }
  }

  async #learn(peer: string, value: unknown): Promise<void> {
    const state = checkState(value);
    const before = this.#states.of(peer);
    await this.#states.save(peer, state);
    for (const record of state.networks) {
      await this.#adopt(peer, record).catch((error: unknown) => this.#complain(peer, record, error));
    }
    this.#loans.recount();
    const { registry } = this.#options;
    for (const network of registry.list()) {
      const { id, overlay } = network.record;
      if (overlay?.home !== peer || state.networks.some((known) => known.id === id)) continue;
      await this.#letGo(peer, id).catch((error: unknown) => this.#complain(peer, network.record, error));
    }
    const touched = new Set([...before.endpoints, ...state.endpoints].map(({ networkId }) => networkId));
    this.#options.changed(touched);
    await this.#syncLinks(touched);
  }

  async #adopt(peer: string, record: NetworkRecord): Promise<void> {
    const { registry } = this.#options;
    if (record.overlay?.home !== peer || registry.get(record.id)) return;
    if (isEncrypted(record)) await this.#options.ipsec.check();
    const vni = record.overlay.vni;
    const other = registry.list().find((network) => network.record.overlay?.vni === vni);
    if (other) throw conflict(`VXLAN id ${vni} is used by network ${other.record.name}`);
    await registry.insert(record);
  }

  /** SECURITY: a network that is not shared is nothing to peers. */
  async #removeFor(networkId: string): Promise<void> {
    const { registry, remove } = this.#options;
    if (registry.get(networkId)?.record.overlay?.home !== this.#own) {
      throw notFound(`network ${networkId} not found`);
    }
    await remove(networkId);
  }

  /** A network that the peer made, unless somebody here is on it. */
  async #letGo(peer: string, networkId: string): Promise<void> {
    const { registry, attachments, forget } = this.#options;
    const network = registry.get(networkId);
    if (network?.record.overlay?.home !== peer) return;
    const user = attachments().find(([, { endpoints }]) =>
      endpoints.some((one) => one.networkId === networkId),
    );
    if (user) throw inUse(network.record.name, networkId, user[1].containerName);
    await forget(network);
  }

  #complain(peer: string, { id, name }: NetworkRecord, error: unknown): void {
    if (this.#complained.has(`${peer} ${id}`)) return;
    this.#complained.add(`${peer} ${id}`);
    this.#options.logger.warn('a network differs from that of a peer', {
      peer,
      network: name,
      error: messageOf(error),
    });
  }

  async #syncLinks(networkIds: ReadonlySet<string>): Promise<void> {
    const { registry, vxlan, logger } = this.#options;
    for (const id of networkIds) {
      const record = registry.get(id)?.record;
      if (!record?.overlay) continue;
      const neighbours = () =>
        this.endpointsOn(id).map(({ mac, ipv4, ipv6, host }) => ({
          mac,
          host,
          addresses: [ipv4, ipv6].filter((address) => address !== ''),
        }));
      await vxlan.sync(record, neighbours).catch((error: unknown) => {
        logger.error('containers of other engines are not reached', {
          network: record.name,
          error: messageOf(error),
        });
      });
    }
  }
}

/** Below are those of swarms and of people who count. */
const FIRST_VNI = 2 ** 20;

export function inUse(name: string, id: string, who: string): EngineError {
  return new EngineError(
    'forbidden',
    `error while removing network: network ${name} id ${id} has active endpoints (${who})`,
  );
}
