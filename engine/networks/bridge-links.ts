import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { conflict, EngineError, errnoOf, invalidArgument } from '../lib/errors.ts';
import type { ParentRecord } from './network-record.ts';
import { parseVlan } from './parent-options.ts';
import { macOf, parseAddress } from './subnet.ts';

/** Of the VXLAN ports of bridges. */
export const VXLAN_PREFIX = 'gx-';
/** Of links that macvlan and ipvlan networks without a parent are stacked on. */
export const DUMMY_PREFIX = 'dm-';

interface BridgeLink {
  name: string;
  /** Addresses of the host on the bridge in CIDR notation; none leaves the host off the network. */
  addresses: string[];
  mtu: number;
}

/** Runs a tool with `input` on stdin. Rejects with its stderr when it fails, naming it when it is not installed. */
export function runTool(command: string, args: string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', (cause) => {
      const reason = errnoOf(cause) === 'ENOENT' ? 'it is not installed' : cause.message;
      reject(new EngineError('internal', `cannot run ${command}: ${reason}`, { cause }));
    });
    child.on('close', (code) => {
      if (code === 0) resolve(output);
      else reject(new EngineError('internal', `${command} failed: ${errors.trim()}`));
    });
    // A tool that ends before it has read everything tells why by its exit code.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

/**
 * The bridges of one engine, and what else it makes on the host. A link is ours when its alias names our data root: several engines, and anybody else's
 * bridges, live side by side, and a link is never taken over or removed by its name alone.
 */
export class BridgeLinks {
  /** In `ip -batch` lines, too. */
  readonly alias: string;

  constructor(dataRoot: string) {
    // IFALIASZ is 256.
    const root = dataRoot.length <= 200 ? dataRoot : createHash('sha256').update(dataRoot).digest('hex');
    this.alias = `gantry:${root.replaceAll(/["\\\n]/g, '_')}`;
  }

  /** Synchronous, a few microseconds: asked at every start of a container. */
  isOurs(name: string): boolean {
    return aliasOf(name) === this.alias;
  }

  /** Makes the link, up and with its address. Throws conflict when the name is another's. */
  async make(link: BridgeLink): Promise<void> {
    if (this.isOurs(link.name)) return;
    if (existsSync(`/sys/class/net/${link.name}`)) {
      const alias = aliasOf(link.name);
      const owner = alias.startsWith('gantry:') ? `the engine at ${alias.slice(7)}` : 'something else';
      throw conflict(
        `network interface ${link.name} already exists and belongs to ${owner}: choose another com.docker.network.bridge.name, or start this engine with another --bridge`,
      );
    }
    const hasIpv6 = link.addresses.some((address) => address.includes(':'));
    await runTool('ip', ['-batch', '-'], batchToMake(link, this.alias));
    await enableForwarding(link.name, hasIpv6);
  }

  async remove(names: string[]): Promise<void> {
    const present = names.filter((name) => this.isOurs(name));
    if (present.length === 0) return;
    await runTool('ip', ['-batch', '-'], present.map((name) => `link del dev ${name}\n`).join(''));
  }

  /** Every link of this engine, also those that no record knows any more. */
  async owned(): Promise<string[]> {
    return (await readdir('/sys/class/net')).filter((name) => this.isOurs(name));
  }

  /** Bridges of this engine that no container is connected to, and their ways to other engines. */
  async unusedBridges(): Promise<string[]> {
    const unused: string[] = [];
    for (const name of await this.owned()) {
      const ports = await readdir(`/sys/class/net/${name}/brif`).catch(() => undefined);
      if (!ports?.every((port) => port.startsWith(VXLAN_PREFIX)) || name.startsWith(DUMMY_PREFIX)) continue;
      unused.push(...ports, name);
    }
    return unused;
  }

  /**
   * What macvlan and ipvlan links are stacked on: a link of the host is taken as it is, a VLAN (`eth0.10`) or a dummy
   * that is missing is made. Returns what was made.
   */
  async ensureParent(name: string, isDummy: boolean): Promise<ParentRecord['made']> {
    if (this.isOurs(name)) return isDummy ? 'dummy' : 'vlan';
    if (existsSync(`/sys/class/net/${name}`)) return '';
    // A bridge without ports serves as well as a dummy, which not every kernel has.
    const kind = isDummy ? `name ${name} type bridge` : vlanLink(name);
    const batch = [
      `link add ${kind}`,
      `link set dev ${name} alias "${this.alias}"`,
      `link set dev ${name} up`,
      '',
    ];
    await runTool('ip', ['-batch', '-'], batch.join('\n'));
    return isDummy ? 'dummy' : 'vlan';
  }
}

function vlanLink(name: string): string {
  const { link, id } = parseVlan(name);
  if (!existsSync(`/sys/class/net/${link}`)) {
    throw invalidArgument(`-o parent interface was not found on the host: ${link}`);
  }
  return `link ${link} name ${name} type vlan id ${id}`;
}

export function linkExists(name: string): boolean {
  return existsSync(`/sys/class/net/${name}`);
}

/** For a veth whose bridge was removed and made again. */
export async function joinBridge(name: string, bridge: string): Promise<void> {
  if (existsSync(`/sys/class/net/${name}/brport`)) return;
  await runTool('ip', ['link', 'set', 'dev', name, 'master', bridge, 'up'], '');
}

/** '' for a link without one, or none of this name. */
function aliasOf(name: string): string {
  try {
    return readFileSync(`/sys/class/net/${name}/ifalias`, 'utf8').trimEnd();
  } catch {
    return '';
  }
}

/**
 * `ip -batch` lines. The MAC is set, because a bridge without one takes the lowest of its ports' and changes it as
 * containers come and go, which leaves them with a stale ARP entry for their gateway.
 */
export function batchToMake(link: BridgeLink, alias: string): string {
  const gateway = parseAddress(link.addresses[0]?.split('/')[0] ?? '');
  const mac = gateway === undefined ? '' : ` address ${macOf(gateway)}`;
  return [
    `link add name ${link.name}${mac} mtu ${link.mtu} type bridge`,
    `link set dev ${link.name} alias "${alias}"`,
    ...link.addresses.map((address) =>
      // IPv6 without a second of duplicate detection: nobody else is on the link yet.
      address.includes(':')
        ? `address add ${address} dev ${link.name} nodad`
        : `address add ${address} broadcast + dev ${link.name}`,
    ),
    `link set dev ${link.name} up`,
    '',
  ].join('\n');
}

/**
 * route_localnet lets a connection from 127.0.0.1 to a published port leave through this bridge; `rules.ts` drops
 * what would abuse it. No router advertisement from a container is listened to. A host that takes its own default
 * route from advertisements goes on doing so when it forwards (accept_ra 2).
 */
async function enableForwarding(name: string, hasIpv6: boolean): Promise<void> {
  const ipv6 = '/proc/sys/net/ipv6/conf';
  await writeFile(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, '1');
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
  if (!hasIpv6) {
    await writeFile(`${ipv6}/${name}/disable_ipv6`, '1').catch(() => undefined);
    return;
  }
  await writeFile(`${ipv6}/${name}/accept_ra`, '0');
  // Else the bridge cannot ask for neighbours in its first seconds: packets to containers would be dropped.
  await writeFile(`${ipv6}/${name}/accept_dad`, '0');
  if ((await readFile(`${ipv6}/all/forwarding`, 'utf8')).trim() === '1') return;
  for (const link of await readdir(ipv6)) {
    if (link === name || link === 'all' || link === 'lo') continue;
    const accepts = await readFile(`${ipv6}/${link}/accept_ra`, 'utf8').catch(() => '');
    if (accepts.trim() === '1') await writeFile(`${ipv6}/${link}/accept_ra`, '2').catch(() => undefined);
  }
  await writeFile(`${ipv6}/all/forwarding`, '1');
}
