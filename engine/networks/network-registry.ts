import { randomBytes } from 'node:crypto';
import { mkdir, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { conflict, EngineError, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { AddressPool } from './address-pool.ts';
import { DUMMY_PREFIX } from './bridge-links.ts';
import { choosePool, DEFAULT_POOLS, hostSubnets, uniqueLocalPool, type DefaultPool } from './host-subnets.ts';
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
  /** Where subnets come from that nobody asked for; empty: Docker's pools. */
  defaultPools: readonly DefaultPool[];
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
        if (record) this.#networks.set(record.id, withAddresses(upgradeRecord(record)));
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

  /**
   * Adds and persists a network; not to be called twice at once. Throws conflict for a name, forbidden for a subnet in
   * use. `made`: see ParentRecord.
   */
  async add(asked: NetworkSpecification, made: ParentRecord['made'] = ''): Promise<Network> {
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
      pools: rest.configOnly ? pools : await this.#fillPools(specification, ownLink),
    };
    if (rest.driver === 'bridge') record.bridge = { linkName };
    if (parent) {
      // IFNAMSIZ: at most 15 characters.
      const dummy = `${DUMMY_PREFIX}${id.slice(0, 12)}`;
      record.parent = {
        ...parent,
        linkName: parent.linkName || dummy,
        made: parent.linkName ? made : 'dummy',
      };
    }
    const network = withAddresses(record);
    await this.#save(network.record);
    this.#networks.set(id, network);
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
      record.pools[key] = await this.#choose(key, record.id);
      network.addresses[key] = addressPool(record.pools[key]);
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
    this.#networks.set(record.id, withAddresses(record));
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
    const { bridgeName, defaultSubnet } = this.#options;
    const sameSubnet = defaultSubnet === undefined || defaultSubnet === record.pools.ipv4?.subnet;
    if (record.bridge?.linkName === bridgeName && sameSubnet && record.pools.ipv4) return;
    record.bridge = { linkName: bridgeName };
    if (!sameSubnet || !record.pools.ipv4) record.pools = { ipv4: await this.#defaultPool() };
    network.addresses = addressPools(record);
    await this.#save(record);
  }

  /** A pool for each family that is on: the one asked for when it is free, or one of our own choice. */
  async #fillPools(
    { pools, enableIpv4, enableIpv6 }: NetworkSpecification,
    linkName: string,
  ): Promise<NetworkRecord['pools']> {
    const filled: NetworkRecord['pools'] = {};
    for (const { key } of FAMILIES) {
      if (!(key === 'ipv4' ? enableIpv4 : enableIpv6)) continue;
      const asked = pools[key];
      if (asked) await this.#checkFree(asked, linkName);
      filled[key] = asked ?? (await this.#choose(key));
    }
    return filled;
  }

  async #choose(key: 'ipv4' | 'ipv6', exceptId?: string): Promise<PoolRecord> {
    const used = [...(await hostSubnets()), ...this.#subnets(exceptId)];
    const { defaultPools, dataRoot } = this.#options;
    const family = key === 'ipv4' ? 4 : 6;
    const configured = defaultPools.filter(({ base }) => base.family === family);
    const preset = family === 4 ? DEFAULT_POOLS : [uniqueLocalPool(dataRoot)];
    const subnet = choosePool(used, configured.length > 0 ? configured : preset, family);
    if (!subnet) {
      throw invalidArgument('all predefined address pools have been fully subnetted', {
        hint: 'name a subnet of your own, or start the engine with --default-address-pool',
      });
    }
    return poolOf(subnet);
  }

  async #checkFree(pool: PoolRecord, linkName: string): Promise<void> {
    const own = parseSubnet(pool.subnet);
    const used = [...this.#subnets(), ...(await hostSubnets(linkName))];
    if (own && used.some((subnet) => overlaps(subnet, own))) throw overlapError();
  }

  #subnets(exceptId?: string): Subnet[] {
    return this.list()
      .filter(({ record }) => record.id !== exceptId && !record.configOnly)
      .flatMap(({ record }) => FAMILIES.map(({ key }) => parseSubnet(record.pools[key]?.subnet ?? '')))
      .filter((subnet) => subnet !== undefined);
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

function withAddresses(record: NetworkRecord): Network {
  return { record, addresses: addressPools(record) };
}

function addressPools({ pools, configOnly }: NetworkRecord): Network['addresses'] {
  const addresses: Network['addresses'] = {};
  for (const { key } of FAMILIES) {
    const pool = configOnly ? undefined : pools[key];
    if (pool) addresses[key] = addressPool(pool);
  }
  return addresses;
}

function addressPool(pool: PoolRecord): AddressPool {
  const subnet = parseSubnet(pool.subnet);
  if (!subnet) throw new EngineError('internal', `damaged network record: subnet ${pool.subnet}`);
  const range = (pool.range === '' ? undefined : parseSubnet(pool.range)) ?? subnet;
  const reserved = [pool.gateway, ...Object.values(pool.auxiliary)]
    .map(parseAddress)
    .filter((address) => address !== undefined);
  return new AddressPool(subnet, range, reserved);
}
