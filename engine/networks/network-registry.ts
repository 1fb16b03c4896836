import { randomBytes } from 'node:crypto';
import { mkdir, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import { readJson, syncDirectory, writeJsonAtomic } from '../lib/atomic-file.ts';
import { conflict, EngineError, invalidArgument, messageOf, notFound } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { AddressPool } from './address-pool.ts';
import { choosePool, hostSubnets } from './host-subnets.ts';
import { overlaps, parseAddress, parseSubnet, type Subnet } from './ipv4.ts';
import {
  poolOf,
  PREDEFINED_NETWORKS,
  type BridgeRecord,
  type NetworkRecord,
  type NetworkSpecification,
  type PoolRecord,
} from './network-record.ts';

/** A network as the engine holds it: the record on disk and, for a bridge, the addresses in use. */
export interface Network {
  record: NetworkRecord;
  addresses?: AddressPool;
}

interface RegistryOptions {
  dataRoot: string;
  /** Link of the predefined network `bridge`. */
  bridgeName: string;
  /** Its subnet; undefined: choose one that the host does not use. */
  defaultSubnet: string | undefined;
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
        if (record) this.#networks.set(record.id, withAddresses(record));
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

  /** Adds and persists a bridge network; not to be called twice at once. Throws conflict for a name, forbidden for a subnet in use. */
  async add(specification: NetworkSpecification): Promise<Network> {
    const { name, pool, linkName, ...rest } = specification;
    if (this.list().some(({ record }) => record.name === name)) {
      throw conflict(`network with name ${name} already exists`);
    }
    const id = randomBytes(32).toString('hex');
    const link = linkName ?? `gb-${id.slice(0, 10)}`;
    if (this.list().some(({ record }) => record.bridge?.linkName === link)) {
      throw conflict(`bridge name ${link} is already used by another network`);
    }
    const bridge = {
      linkName: link,
      pool: pool ?? (await this.#choose()),
      subnetAsked: pool !== undefined,
    };
    if (pool) await this.#checkFree(pool, link);
    const network = withAddresses({
      id,
      name,
      driver: 'bridge',
      createdAt: new Date().toISOString(),
      ...rest,
      bridge,
    });
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
  async confirmSubnet(network: Network): Promise<void> {
    const { bridge } = network.record;
    if (!bridge) return;
    const own = parseSubnet(bridge.pool.subnet);
    const used = await hostSubnets(bridge.linkName);
    if (own && !used.some((subnet) => overlaps(subnet, own))) return;
    if (bridge.subnetAsked) throw overlapError();
    bridge.pool = await this.#choose(network.record.id);
    network.addresses = addressPool(bridge.pool);
    await this.#save(network.record);
  }

  async #addPredefined(name: (typeof PREDEFINED_NETWORKS)[number]): Promise<void> {
    const record: NetworkRecord = {
      id: randomBytes(32).toString('hex'),
      name,
      driver: name === 'none' ? 'null' : name,
      createdAt: new Date().toISOString(),
      internal: false,
      attachable: false,
      labels: {},
      options: {},
    };
    if (name === 'bridge') record.bridge = await this.#defaultBridge();
    this.#networks.set(record.id, withAddresses(record));
    await this.#save(record);
  }

  async #defaultBridge(): Promise<BridgeRecord> {
    const { bridgeName, defaultSubnet } = this.#options;
    if (defaultSubnet === undefined) {
      return { linkName: bridgeName, pool: await this.#choose(), subnetAsked: false };
    }
    const subnet = parseSubnet(defaultSubnet);
    if (subnet === undefined || subnet.prefixLength > 30) {
      throw invalidArgument(`invalid default subnet ${defaultSubnet}`);
    }
    return { linkName: bridgeName, pool: poolOf(subnet), subnetAsked: true };
  }

  /** The command line wins over what an earlier run persisted. */
  async #configureDefaultBridge(): Promise<void> {
    const network = this.resolve('bridge');
    const { bridgeName, defaultSubnet } = this.#options;
    const current = network.record.bridge;
    const sameSubnet = defaultSubnet === undefined || defaultSubnet === current?.pool.subnet;
    if (current?.linkName === bridgeName && sameSubnet) return;
    const bridge = sameSubnet && current ? { ...current, linkName: bridgeName } : await this.#defaultBridge();
    network.record.bridge = bridge;
    network.addresses = addressPool(bridge.pool);
    await this.#save(network.record);
  }

  async #choose(exceptId?: string): Promise<PoolRecord> {
    const subnet = choosePool([...(await hostSubnets()), ...this.#subnets(exceptId)]);
    if (!subnet) {
      throw new EngineError('forbidden', 'all predefined address pools have been fully subnetted', {
        hint: 'name a subnet of your own',
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
      .filter(({ record }) => record.id !== exceptId)
      .map(({ record }) => parseSubnet(record.bridge?.pool.subnet ?? ''))
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
  return record.bridge ? { record, addresses: addressPool(record.bridge.pool) } : { record };
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
