import { createHash, randomBytes, randomInt } from 'node:crypto';
import { existsSync } from 'node:fs';
import { EngineError, messageOf } from '../../lib/errors.ts';
import { Mutex } from '../../lib/mutex.ts';
import { runTool } from '../bridge-links.ts';
import { FIRST_SPI, KEY_BYTES, type Way } from './esp-keys.ts';
import { encryptedPort, type OverlaySettings } from './overlay-settings.ts';

interface IpsecOptions {
  /** Tells our entries from those of others, other engines included. */
  owner: string;
  /** Undefined: there are no peers, and nothing to be done but `clear`. */
  settings: Pick<OverlaySettings, 'own' | 'peers'> | undefined;
}

const NOBODY = { own: { address: '', port: 0 }, peers: [] };

/** RFC 4106 with AES-256 and a tag of 16 bytes. ESN counts packets in 64 bits: a key never runs out of them. */
const CIPHER = 'aead rfc4106(gcm(aes))';
const TAG_BITS = 128;
/** As a number: by names `ip` needs /etc/protocols. */
const UDP = 17;
/** Packets that may overtake each other, as they do where several processors receive. */
const REPLAY_WINDOW = 1024;

/** Whether rules can ask for IPsec: a kernel without it refuses them. */
export const hasXfrm = (): boolean => existsSync('/proc/sys/net/core/xfrm_acq_expires');

/** One policy of ours as `ip xfrm` shows it. */
interface Policy {
  selector: string;
  direction: string;
  /** Direction, addresses and port, as in `#policies`. */
  key: string;
}

/**
 * ESP in transport mode (RFC 4303) between this engine and its peers, for the UDP port of encrypted networks. The
 * kernel's tables outlive the engine and are the truth: what is in there with our `reqid` is ours.
 */
export class Ipsec {
  readonly #settings: Pick<OverlaySettings, 'own' | 'peers'>;
  readonly #reqid: number;
  /** All or nothing is to be there: one after the other. */
  readonly #changes = new Mutex();

  constructor({ owner, settings }: IpsecOptions) {
    this.#settings = settings ?? NOBODY;
    // 0 means none.
    this.#reqid = (createHash('sha256').update(owner).digest().readUInt32BE(0) >>> 1) + 1;
  }

  /** Throws not-implemented where the kernel does not have what it takes. Nothing stays. */
  check(): Promise<void> {
    return this.#changes.run(() => this.#check());
  }

  /** From now on nothing leaves for or is let in from the encrypted port of a peer but by ESP. */
  require(): Promise<void> {
    return this.#changes.run(() => this.#require());
  }

  /** Removes all that is ours, unless it is needed when its turn comes. */
  clear(isNeeded: () => boolean = () => false): Promise<void> {
    return this.#changes.run(async () => {
      if (!isNeeded()) await this.#clear();
    });
  }

  /** SECURITY: the key goes through a pipe, not onto a command line that everybody reads. */
  async add({ from, to, spi }: Way, key: Buffer): Promise<void> {
    const id = `src ${from} dst ${to} proto esp spi ${spi} reqid ${this.#reqid} mode transport`;
    const counters = `replay-window ${REPLAY_WINDOW} flag esn`;
    const line = `xfrm state add ${id} ${counters} ${CIPHER} 0x${key.toString('hex')} ${TAG_BITS}\n`;
    await runTool('ip', ['-batch', '-'], line);
  }

  async remove(ways: readonly Way[]): Promise<void> {
    if (ways.length === 0) return;
    const lines = ways.map(
      ({ from, to, spi }) => `xfrm state delete src ${from} dst ${to} proto esp spi ${spi}\n`,
    );
    await runTool('ip', ['-batch', '-'], lines.join(''));
  }

  /** Ours from one engine to the other. */
  async between(from: string, to: string): Promise<Way[]> {
    return (await this.#ways()).filter((way) => way.from === from && way.to === to);
  }

  async #check(): Promise<void> {
    const { address } = this.#settings.own;
    const way: Way = { from: address, to: address, spi: randomInt(FIRST_SPI, 2 ** 32) };
    try {
      await this.add(way, randomBytes(KEY_BYTES));
    } catch (cause) {
      throw new EngineError(
        'not-implemented',
        `the kernel of the host cannot encrypt overlay networks: ${messageOf(cause).split('\n')[0]}`,
        { hint: 'it needs ESP, AES-GCM and xfrm: modprobe xfrm_user esp4 gcm', cause },
      );
    }
    await this.remove([way]);
  }

  async #require(): Promise<void> {
    const wanted = this.#policies();
    const stale = (await this.#ownPolicies()).filter(({ key }) => !wanted.has(key));
    const lines = [...wanted.values()].map((policy) => `xfrm policy update ${policy}`);
    await runTool('ip', ['-batch', '-'], `${[...stale.map(toDelete), ...lines].join('\n')}\n`);
    // Of peers that are none any more, and of a check that was not finished.
    const { own, peers } = this.#settings;
    const known = new Set(
      peers.flatMap(({ address }) => [`${own.address} ${address}`, `${address} ${own.address}`]),
    );
    const all = await this.#ways();
    await this.remove(all.filter(({ from, to }) => !known.has(`${from} ${to}`)));
  }

  async #clear(): Promise<void> {
    const policies = await this.#ownPolicies();
    if (policies.length > 0) await runTool('ip', ['-batch', '-'], `${policies.map(toDelete).join('\n')}\n`);
    await this.remove(await this.#ways());
  }

  /** Policies without their verb, by what tells them apart. */
  #policies(): Map<string, string> {
    const { own, peers } = this.#settings;
    const entries = peers.flatMap((peer) => [
      this.#policy('out', own.address, peer.address, encryptedPort(peer)),
      this.#policy('in', peer.address, own.address, encryptedPort(own)),
    ]);
    return new Map(entries);
  }

  #policy(direction: 'in' | 'out', from: string, to: string, port: number): [string, string] {
    const selector = `src ${from}/32 dst ${to}/32 proto ${UDP} dport ${port}`;
    const template = `tmpl src ${from} dst ${to} proto esp reqid ${this.#reqid} mode transport`;
    return [`${direction} ${from} ${to} ${port}`, `dir ${direction} ${selector} ${template}`];
  }

  async #ownPolicies(): Promise<Policy[]> {
    const all = await entriesOf('policy', []);
    return all.filter((entry) => entry.includes(` reqid ${this.#reqid} `)).map(toPolicy);
  }

  async #ways(): Promise<Way[]> {
    const all = await entriesOf('state', ['nokeys', 'reqid', String(this.#reqid)]);
    // Without a number are those that the kernel asks key daemons for: they end by themselves.
    return all.map(toWay).filter(({ spi }) => spi !== 0);
  }
}

/** What `ip xfrm` shows, by entry: the lines after its first are indented. A kernel without xfrm has none. */
async function entriesOf(object: 'state' | 'policy', filter: string[]): Promise<string[]> {
  const shown = await runTool('ip', ['xfrm', object, 'list', ...filter], '').catch(() => '');
  return shown.split(/\n(?=\S)/).filter((entry) => entry.startsWith('src '));
}

function toWay(entry: string): Way {
  const [, from = '', to = '', spi] = /^src (\S+) dst (\S+)\s+proto esp spi (0x[0-9a-f]+) /.exec(entry) ?? [];
  return { from, to, spi: Number(spi) };
}

function toPolicy(entry: string): Policy {
  const [selector = '', details = ''] = entry.split('\n');
  const direction = /dir (\w+)/.exec(details)?.[1] ?? '';
  const [, from, to, port] = /^src (\S+)\/32 dst (\S+)\/32 proto \S+ dport (\d+)/.exec(selector) ?? [];
  return { selector: selector.trim(), direction, key: `${direction} ${from} ${to} ${port}` };
}

const toDelete = ({ selector, direction }: Policy): string =>
  `xfrm policy delete dir ${direction} ${selector}`;
