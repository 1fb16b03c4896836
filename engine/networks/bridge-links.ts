import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readdir, writeFile } from 'node:fs/promises';
import { conflict, EngineError, errnoOf } from '../lib/errors.ts';
import { macOf, parseAddress } from './ipv4.ts';

interface BridgeLink {
  name: string;
  /** Address of the host on the bridge in CIDR notation; '' leaves the host off the network. */
  address: string;
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
 * The bridges of one engine. A link is ours when its alias names our data root: several engines, and anybody else's
 * bridges, live side by side, and a link is never taken over or removed by its name alone.
 */
export class BridgeLinks {
  readonly #alias: string;

  constructor(dataRoot: string) {
    // IFALIASZ is 256.
    const root = dataRoot.length <= 200 ? dataRoot : createHash('sha256').update(dataRoot).digest('hex');
    this.#alias = `gantry:${root.replaceAll(/["\\\n]/g, '_')}`;
  }

  /** Synchronous, a few microseconds: asked at every start of a container. */
  isOurs(name: string): boolean {
    return aliasOf(name) === this.#alias;
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
    await runTool('ip', ['-batch', '-'], batchToMake(link, this.#alias));
    await enableForwarding(link.name);
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

  /** Links of this engine that no interface is connected to. */
  async unused(): Promise<string[]> {
    const names = await this.owned();
    const ports = await Promise.all(names.map((name) => readdir(`/sys/class/net/${name}/brif`)));
    return names.filter((_, index) => ports[index]?.length === 0);
  }
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
  const gateway = parseAddress(link.address.split('/')[0] ?? '');
  const mac = gateway === undefined ? '' : ` address ${macOf(gateway)}`;
  return [
    `link add name ${link.name}${mac} mtu ${link.mtu} type bridge`,
    `link set dev ${link.name} alias "${alias}"`,
    ...(link.address === '' ? [] : [`address add ${link.address} broadcast + dev ${link.name}`]),
    `link set dev ${link.name} up`,
    '',
  ].join('\n');
}

/**
 * route_localnet lets a connection from 127.0.0.1 to a published port leave through this bridge; `rules.ts` drops
 * what would abuse it. IPv6 is off until networks have it: no router advertisement from a container is listened to.
 */
async function enableForwarding(name: string): Promise<void> {
  await writeFile(`/proc/sys/net/ipv4/conf/${name}/route_localnet`, '1');
  await writeFile(`/proc/sys/net/ipv6/conf/${name}/disable_ipv6`, '1').catch(() => undefined);
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1');
}
