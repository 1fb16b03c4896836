import { randomBytes } from 'node:crypto';
import { mkdir, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { conflict, EngineError, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { AddressPool, type Slot } from './address-pool.ts';
import { DUMMY_PREFIX } from './bridge-links.ts';
import { ICC } from './bridge-options.ts';
import {
  choosePool,
  DEFAULT_POOLS,
  hostSubnets,
  OVERLAY_POOLS,
  uniqueLocalPool,
  type DefaultPool,
} from './host-subnets.ts';
import {
  PREDEFINED_NETWORKS,
  upgradeRecord,
  type NetworkRecord,
  type ParentRecord,
  type PoolRecord,
} from './network-record.ts';
import { configuredFrom, FAMILIES, poolOf, type NetworkSpecification } from './network-specification.ts';
import { hasRoom, overlaps, parseAddress, parseSubnet, type Subnet } from './subnet.ts';

/** A network as the engine holds it: the record on disk and the addresses in use, by family. */
export interface Network {
  record: NetworkRecord;
  addresses: { ipv4?: AddressPool; ipv6?: AddressPool };
}

interface RegistryOptions {
  dataRoot: string;
  /** Link of the predefined network `bridge`. */
  bridgeName: string;
  /** Its subnet; undefined: choose one that the host does not use. */
  defaultSubnet: string | undefined;
  /** Its containers may talk to each other. */
  defaultIcc: boolean;
  /** Where subnets come from that nobody asked for; empty: Docker's pools. */
  defaultPools: readonly DefaultPool[];
  /** Of this engine among the members of overlay networks; undefined: it is none. */
  overlayAddress: string | undefined;
  logger: Logger;
}

/** Names, IDs and subnets of all networks, on disk as `networks/<id>.json`. */
export class NetworkRegistry {
  readonly #options: RegistryOptions;
  readonly #directory: string;
  readonly #networks = new Map<string, Network>();

  constructor(options: RegistryOptions) {
    this.#options = options;
    this.#directory = path.join(options.dataRoot, 'networks');
  }

  /** Loads every record and makes the predefined networks that are missing. */
  async load(): Promise<void> {
    const { logger } = this.#options;
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#directory)) {
      if (!name.endsWith('.json')) continue;
      const file = path.join(this.#directory, name);
      try {
        const record = await readJson<NetworkRecord>(file);
        if (record) this.#networks.set(record.id, this.#withAddresses(upgradeRecord(record)));
      } catch (error) {
        logger.error('a network record is damaged, the network is left alone', {
          file,
          error: messageOf(error),
        });
      }
    }
    for (const name of PREDEFINED_NETWORKS) {
      if (!this.list().some((network) => network.record.name === name)) await this.#addPredefined(name);
    }
    await this.#configureDefaultBridge();
  }

  list(): Network[] {
    return [...this.#networks.values()];
  }

  get(id: string): Network | undefined {
    return this.#networks.get(id);
  }

  /** As `resolve`; undefined where that throws. */
  find(nameOrId: string): Network | undefined {
    try {
      return this.resolve(nameOrId);
    } catch {
      return undefined;
    }
  }

  /** By ID, name or unique prefix of an ID, in this order. Throws not-found. */
  resolve(nameOrId: string): Network {
    const exact =
      this.#networks.get(nameOrId) ?? this.list().find((network) => network.record.name === nameOrId);
    if (exact) return exact;
    const matches = nameOrId === '' ? [] : this.list().filter(({ record }) => record.id.startsWith(nameOrId));
    if (matches.length > 1) {
      throw invalidArgument(
        `network ${nameOrId} is ambiguous (${matches.length} matches found on ID prefix)`,
      );
    }
    const [match] = matches;
    if (!match) throw notFound(`network ${nameOrId} not found`);
    return match;
  }

  /** Not to be called twice at once. Throws as `compose` and `insert`. */
  async add(asked: NetworkSpecification): Promise<Network> {
    return this.insert(await this.compose(asked));
  }

  /**
   * The record of a network to be: with its ID, its links and free subnets, which `elsewhere` does not have either.
   * Throws conflict for a name, forbidden for a subnet in use.
   */
  async compose(asked: NetworkSpecification, elsewhere: readonly Subnet[] = []): Promise<NetworkRecord> {
    const specification =
      asked.configFrom === '' ? asked : configuredFrom(asked, this.#named(asked.configFrom)?.record);
    const { pools, bridgeName, parent, ...rest } = specification;
    if (this.#named(rest.name)) throw conflict(`network with name ${rest.name} already exists`);
    const id = randomBytes(32).toString('hex');
    const linkName = bridgeName ?? `gb-${id.slice(0, 10)}`;
    if (this.list().some(({ record }) => record.bridge?.linkName === linkName)) {
      throw conflict(`bridge name ${linkName} is already used by another network`);
    }
    // A macvlan network lives in a subnet of the host's own on purpose.
    const ownLink = parent ? parent.linkName : linkName;
    const record: NetworkRecord = {
      id,
      createdAt: new Date().toISOString(),
      ...rest,
      pools: rest.configOnly ? pools : await this.#fillPools(specification, ownLink, elsewhere),
    };
    if (rest.driver === 'bridge' || rest.driver === 'overlay') record.bridge = { linkName };
    if (parent) {
      // IFNAMSIZ: at most 15 characters.
      const dummy = `${DUMMY_PREFIX}${id.slice(0, 12)}`;
      record.parent = {
        ...parent,
        linkName: parent.linkName || dummy,
        made: parent.linkName ? '' : 'dummy',
      };
    }
    return record;
  }

  /**
   * Adds and persists a network. Throws conflict where somebody else was faster with the name, forbidden for a subnet
   * in use.
   */
  async insert(record: NetworkRecord): Promise<Network> {
    if (!record.configOnly && !record.parent) {
      for (const { key } of FAMILIES) {
        const pool = record.pools[key];
        if (pool) await this.#checkFree(pool, record.bridge?.linkName ?? '');
      }
    }
    if (this.#named(record.name)) throw conflict(`network with name ${record.name} already exists`);
    const network = this.#withAddresses(record);
    this.#networks.set(record.id, network);
    try {
      await this.#save(record);
    } catch (error) {
      this.#networks.delete(record.id);
      throw error;
    }
    return network;
  }

  async remove(id: string): Promise<void> {
    this.#networks.delete(id);
    await unlink(path.join(this.#directory, `${id}.json`));
    await syncDirectory(this.#directory);
  }

  /**
   * To be called before a bridge link is made, while the network has no endpoint: another engine may have taken the
   * subnet since. One that we chose is chosen again, one that was asked for is an error.
   */
  async confirmSubnets(network: Network): Promise<void> {
    const { record } = network;
    const used = await hostSubnets(record.bridge?.linkName);
    for (const { key } of FAMILIES) {
      const pool = record.pools[key];
      const own = parseSubnet(pool?.subnet ?? '');
      if (!pool || !own || !used.some((subnet) => overlaps(subnet, own))) continue;
      if (pool.asked) throw overlapError();
      record.pools[key] = await this.#choose(key, [], [], record.id);
      network.addresses = this.#addressPools(record);
      await this.#save(record);
    }
  }

  /** After the link of a macvlan or ipvlan network was made or found. */
  async saveParent(network: Network, made: ParentRecord['made']): Promise<void> {
    if (!network.record.parent || network.record.parent.made === made) return;
    network.record.parent.made = made;
    await this.#save(network.record);
  }

  #named(name: string): Network | undefined {
    return this.list().find(({ record }) => record.name === name);
  }

  async #addPredefined(name: (typeof PREDEFINED_NETWORKS)[number]): Promise<void> {
    const record: NetworkRecord = {
      id: randomBytes(32).toString('hex'),
      name,
      driver: name === 'none' ? 'null' : name,
      createdAt: new Date().toISOString(),
      internal: false,
      attachable: false,
      enableIpv4: true,
      enableIpv6: false,
      labels: {},
      options: {},
      ipamOptions: null,
      configOnly: false,
      configFrom: '',
      pools: {},
    };
    if (name === 'bridge') {
      record.bridge = { linkName: this.#options.bridgeName };
      record.pools = { ipv4: await this.#defaultPool() };
    }
    this.#networks.set(record.id, this.#withAddresses(record));
    await this.#save(record);
  }

  async #defaultPool(): Promise<PoolRecord> {
    const { defaultSubnet } = this.#options;
    if (defaultSubnet === undefined) return this.#choose('ipv4');
    const subnet = parseSubnet(defaultSubnet);
    if (subnet?.family !== 4 || !hasRoom(subnet)) {
      throw invalidArgument(`invalid default subnet ${defaultSubnet}`);
    }
    return poolOf(subnet, true);
  }

  /** The command line wins over what an earlier run persisted. */
  async #configureDefaultBridge(): Promise<void> {
    const network = this.resolve('bridge');
    const { record } = network;
    const { bridgeName, defaultSubnet, defaultIcc } = this.#options;
    const options: Record<string, string> = defaultIcc ? {} : { [ICC]: 'false' };
    const sameOptions = record.options[ICC] === options[ICC];
    record.options = options;
    const sameSubnet = defaultSubnet === undefined || defaultSubnet === record.pools.ipv4?.subnet;
    if (record.bridge?.linkName === bridgeName && sameSubnet && sameOptions && record.pools.ipv4) return;
    record.bridge = { linkName: bridgeName };
    if (!sameSubnet || !record.pools.ipv4) record.pools = { ipv4: await this.#defaultPool() };
    network.addresses = this.#addressPools(record);
    await this.#save(record);
  }

  /** A pool for each family that is on: the one asked for when it is free, or one of our own choice. */
  async #fillPools(
    { pools, enableIpv4, enableIpv6, driver }: NetworkSpecification,
    linkName: string,
    elsewhere: readonly Subnet[],
  ): Promise<NetworkRecord['pools']> {
    const filled: NetworkRecord['pools'] = {};
    for (const { key } of FAMILIES) {
      if (!(key === 'ipv4' ? enableIpv4 : enableIpv6)) continue;
      const asked = pools[key];
      if (asked) await this.#checkFree(asked, linkName);
      const isOverlay = driver === 'overlay';
      const chosen = asked ?? (await this.#choose(key, elsewhere, isOverlay ? OVERLAY_POOLS : []));
      // Other engines know it: it is never chosen again.
      filled[key] = isOverlay ? { ...chosen, asked: true } : chosen;
    }
    return filled;
  }

  /** Free here and not among `elsewhere`; from `pools` where they have this family. */
  async #choose(
    key: 'ipv4' | 'ipv6',
    elsewhere: readonly Subnet[] = [],
    pools: readonly DefaultPool[] = [],
    exceptId?: string,
  ): Promise<PoolRecord> {
    const used = [...(await hostSubnets()), ...this.#subnets(exceptId), ...elsewhere];
    const { defaultPools, dataRoot } = this.#options;
    const family = key === 'ipv4' ? 4 : 6;
    const configured = [pools, defaultPools]
      .map((some) => some.filter(({ base }) => base.family === family))
      .find((some) => some.length > 0);
    const preset = family === 4 ? DEFAULT_POOLS : [uniqueLocalPool(dataRoot)];
    const subnet = choosePool(used, configured ?? preset, family);
    if (!subnet) {
      throw invalidArgument('all predefined address pools have been fully subnetted', {
        hint: 'name a subnet of your own, or start the engine with --default-address-pool',
      });
    }
    return poolOf(subnet);
  }

  /** All that a new network must not overlap. */
  async subnetsInUse(): Promise<Subnet[]> {
    return [...(await hostSubnets()), ...this.#subnets()];
  }

  async #checkFree(pool: PoolRecord, linkName: string): Promise<void> {
    const own = parseSubnet(pool.subnet);
    const used = [...(await hostSubnets(linkName)), ...this.#subnets()];
    if (own && used.some((subnet) => overlaps(subnet, own))) throw overlapError();
  }

  #subnets(exceptId?: string): Subnet[] {
    return this.list()
      .filter(({ record }) => record.id !== exceptId && !record.configOnly)
      .flatMap(({ record }) => FAMILIES.map(({ key }) => parseSubnet(record.pools[key]?.subnet ?? '')))
      .filter((subnet) => subnet !== undefined);
  }

  #withAddresses(record: NetworkRecord): Network {
    return { record, addresses: this.#addressPools(record) };
  }

  #addressPools({ pools, configOnly, overlay }: NetworkRecord): Network['addresses'] {
    const own = this.#options.overlayAddress ?? '';
    const slot = overlay && { index: overlay.members.indexOf(own), of: overlay.members.length };
    const addresses: Network['addresses'] = {};
    for (const { key } of FAMILIES) {
      const pool = configOnly ? undefined : pools[key];
      if (pool) addresses[key] = addressPool(pool, slot);
    }
    return addresses;
  }

  #save(record: NetworkRecord): Promise<void> {
    return writeJsonAtomic(path.join(this.#directory, `${record.id}.json`), record);
  }
}

function overlapError(): EngineError {
  return new EngineError(
    'forbidden',
    'invalid pool request: Pool overlaps with other one on this address space',
    { hint: 'a network, an interface or a route of this host already covers this subnet' },
  );
}

function addressPool(pool: PoolRecord, slot?: Slot): AddressPool {
  const subnet = parseSubnet(pool.subnet);
  if (!subnet) throw new EngineError('internal', `damaged network record: subnet ${pool.subnet}`);
  const range = (pool.range === '' ? undefined : parseSubnet(pool.range)) ?? subnet;
  const reserved = [pool.gateway, ...Object.values(pool.auxiliary)]
    .map(parseAddress)
    .filter((address) => address !== undefined);
  return new AddressPool(subnet, range, reserved, slot);
}
