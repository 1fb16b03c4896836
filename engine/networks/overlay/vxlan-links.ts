import { existsSync } from 'node:fs';
import { Mutex } from '../../lib/mutex.ts';
import { runTool, VXLAN_PREFIX, type BridgeLinks } from '../bridge-links.ts';
import { linkOptions } from '../bridge-options.ts';
import type { NetworkRecord } from '../network-record.ts';
import type { Ipsec } from './ipsec.ts';
import { isEncrypted } from './overlay-options.ts';
import { encryptedPort, type OverlaySettings, type PeerAddress } from './overlay-settings.ts';

/** A container that is reached through another engine. */
export interface RemoteNeighbour {
  mac: string;
  addresses: string[];
  /** Its engine. */
  host: string;
}

/** IFNAMSIZ: at most 15 characters. */
export function vxlanName({ id }: Pick<NetworkRecord, 'id'>): string {
  return `${VXLAN_PREFIX}${id.slice(0, 10)}`;
}

/**
 * The VXLAN port of an overlay network's bridge. Nothing is learned and nothing flooded to other engines: which MAC
 * address is behind which engine, and which address has which MAC, is written down here for every container that a
 * peer told of, and the kernel answers ARP and neighbour solicitations from that (`proxy`).
 */
export class VxlanLinks {
  readonly #links: BridgeLinks;
  readonly #settings: OverlaySettings;
  readonly #ipsec: Ipsec;
  readonly #changes = new Mutex();
  /** What was written, by link: lines of `bridge fdb` and `ip neigh` without the verb. */
  readonly #written = new Map<string, Entries>();

  constructor(links: BridgeLinks, settings: OverlaySettings, ipsec: Ipsec) {
    this.#links = links;
    this.#settings = settings;
    this.#ipsec = ipsec;
  }

  isThere(record: NetworkRecord): boolean {
    return this.#links.isOurs(vxlanName(record));
  }

  /** After the bridge. */
  async make(record: NetworkRecord): Promise<void> {
    const { bridge, overlay } = record;
    if (!bridge || !overlay || this.isThere(record)) return;
    const name = vxlanName(record);
    const { own } = this.#settings;
    // SECURITY: before there is a link that could send.
    if (isEncrypted(record)) await this.#ipsec.require();
    await runTool(
      'ip',
      ['-batch', '-'],
      [
        `link add name ${name} mtu ${linkOptions(record).mtu} type vxlan id ${overlay.vni} dstport ${portOf(own, record)} local ${own.address} nolearning proxy`,
        `link set dev ${name} alias "${this.#links.alias}"`,
        `link set dev ${name} master ${bridge.linkName}`,
        `link set dev ${name} type bridge_slave learning off flood off`,
        `link set dev ${name} up`,
        '',
      ].join('\n'),
    );
    this.#written.set(name, NOTHING);
  }

  /** Brings the entries of a network whose link is there in line with who is elsewhere. */
  async sync(record: NetworkRecord, neighbours: () => readonly RemoteNeighbour[]): Promise<void> {
    const name = vxlanName(record);
    await this.#changes.run(async () => {
      if (!this.isThere(record)) return;
      const wanted = this.#entriesFor(record, neighbours());
      const written = this.#written.get(name) ?? (await readEntries(name));
      await apply('bridge', 'fdb', written.forwarding, wanted.forwarding);
      await apply('ip', 'neigh', written.neighbours, wanted.neighbours);
      this.#written.set(name, wanted);
    });
  }

  #entriesFor(record: NetworkRecord, neighbours: readonly RemoteNeighbour[]): Entries {
    const name = vxlanName(record);
    const ports = new Map(this.#settings.peers.map((peer) => [peer.address, portOf(peer, record)]));
    const entries: Entries = { forwarding: new Map(), neighbours: new Map() };
    for (const { mac, addresses, host } of neighbours) {
      entries.forwarding.set(`${mac} dev ${name} self`, `dst ${host} port ${ports.get(host)} permanent`);
      entries.forwarding.set(`${mac} dev ${name} master`, 'static');
      for (const address of addresses) {
        entries.neighbours.set(`${address} dev ${name}`, `lladdr ${mac} nud permanent`);
      }
    }
    return entries;
  }
}

/** SECURITY: the port tells the kernel and the rules what has to be encrypted. */
function portOf(engine: PeerAddress, record: NetworkRecord): number {
  return isEncrypted(record) ? encryptedPort(engine) : engine.port;
}

/** What names an entry → the rest of it. */
interface Entries {
  forwarding: Map<string, string>;
  neighbours: Map<string, string>;
}

const NOTHING: Entries = { forwarding: new Map(), neighbours: new Map() };

async function apply(
  tool: 'ip' | 'bridge',
  object: string,
  written: ReadonlyMap<string, string>,
  wanted: ReadonlyMap<string, string>,
): Promise<void> {
  const gone = [...written.keys()].filter((key) => !wanted.has(key)).map((key) => `${object} del ${key}\n`);
  const come = [...wanted]
    .filter(([key, value]) => written.get(key) !== value)
    .map(([key, value]) => `${object} replace ${key} ${value}\n`);
  // With -force all are tried; that one was gone already is no failure.
  if (gone.length > 0) await runTool(tool, ['-force', '-batch', '-'], gone.join('')).catch(() => undefined);
  if (come.length > 0) await runTool(tool, ['-batch', '-'], come.join(''));
}

interface ForwardingEntry {
  mac: string;
  dst?: string;
  state?: string;
  flags?: string[];
}

/** What an engine before this one wrote. Values stay unknown, so that all that is wanted is written again. */
async function readEntries(name: string): Promise<Entries> {
  if (!existsSync(`/sys/class/net/${name}`)) return NOTHING;
  const [forwarding, neighbours] = await Promise.all([
    runTool('bridge', ['-j', 'fdb', 'show', 'dev', name], ''),
    runTool('ip', ['-j', 'neigh', 'show', 'dev', name, 'nud', 'permanent'], ''),
  ]);
  const entries = JSON.parse(forwarding || '[]') as ForwardingEntry[];
  const known = JSON.parse(neighbours || '[]') as { dst: string }[];
  return {
    forwarding: new Map([
      ...entries
        .filter(({ dst }) => dst !== undefined)
        .map(({ mac }) => [`${mac} dev ${name} self`, ''] as const),
      ...entries
        .filter(({ state, dst }) => state === 'static' && dst === undefined)
        .map(({ mac }) => [`${mac} dev ${name} master`, ''] as const),
    ]),
    neighbours: new Map(known.map(({ dst }) => [`${dst} dev ${name}`, ''])),
  };
}
