import { lookup } from 'node:dns/promises';
import { BlockList, isIP, isIPv6 } from 'node:net';
import { invalidArgument } from '../../lib/errors.ts';
import { INSECURE_TLS, readCertificates, type TlsSettings } from './certificates.ts';

/** One place where a registry is tried. */
export interface Endpoint {
  /** Without a trailing slash, e.g. `https://registry-1.docker.io`. */
  base: URL;
  /** A mirror of Docker Hub: its failures do not count while there is another place. */
  mirror: boolean;
  tls: TlsSettings;
}

interface EndpointOptions {
  /** `host[:port]` or CIDR. */
  insecureRegistries: string[];
  /** URLs, of Docker Hub only. */
  mirrors: string[];
  /** Roots of certs.d, the first that knows a host wins. */
  certificateDirectories: string[];
}

export const HUB = 'docker.io';
const HUB_REGISTRY = 'registry-1.docker.io';
const HUB_HOSTS = [HUB, 'index.docker.io'];
/** Docker's rule: a registry on this very machine needs no TLS. */
const LOOPBACK = ['127.0.0.0/8', '::1/128'];

/** Where names lead to. */
export class Endpoints {
  readonly #options: EndpointOptions;
  readonly #insecureHosts: Set<string>;
  readonly #insecureNetworks = new BlockList();

  /** Throws invalid-argument for a mirror or insecure registry that is none. */
  constructor(options: EndpointOptions) {
    this.#options = options;
    const entries = options.insecureRegistries.map((entry) => entry.replace(/^https?:\/\//, ''));
    const isNetwork = (entry: string): boolean => isIP(entry.split('/')[0] ?? '') > 0 && entry.includes('/');
    this.#insecureHosts = new Set(entries.filter((entry) => !isNetwork(entry)).map(checkedHost));
    for (const network of [...entries.filter(isNetwork), ...LOOPBACK]) {
      const [address = '', bits] = network.split('/');
      this.#insecureNetworks.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4');
    }
    for (const mirror of options.mirrors) checkMirror(mirror);
  }

  /** In the order to try, for a name's domain. `mirrors`: for reading only, never for credentials or pushes. */
  async of(domain: string, { mirrors }: { mirrors: boolean }): Promise<Endpoint[]> {
    if (HUB_HOSTS.includes(domain)) {
      const listed = mirrors ? this.#options.mirrors : [];
      const found = await Promise.all(listed.map((mirror) => this.#mirror(new URL(mirror))));
      return [...found, await this.secure(HUB_REGISTRY)];
    }
    if (!(await this.#isInsecure(domain))) return [await this.secure(domain)];
    return ['https', 'http'].map((scheme) => ({
      base: new URL(`${scheme}://${domain}`),
      mirror: false,
      tls: INSECURE_TLS,
    }));
  }

  async #mirror(base: URL): Promise<Endpoint> {
    const insecure = await this.#isInsecure(base.host);
    return {
      base,
      mirror: true,
      tls: insecure ? INSECURE_TLS : await readCertificates(this.#options.certificateDirectories, base.host),
    };
  }

  /** A host that must prove who it is, whatever is configured. */
  async secure(host: string): Promise<Endpoint> {
    const tls = await readCertificates(this.#options.certificateDirectories, host);
    return { base: new URL(`https://${host}`), mirror: false, tls };
  }

  /** A name counts as its addresses do; one that does not resolve is secure. */
  async #isInsecure(host: string): Promise<boolean> {
    if (this.#insecureHosts.has(host)) return true;
    const { hostname } = new URL(`https://${host}`);
    const bare = hostname.replace(/^\[(.*)\]$/, '$1');
    const addresses = isIP(bare)
      ? [{ address: bare, family: isIP(bare) }]
      : await lookup(bare, { all: true }).catch(() => []);
    return addresses.some(({ address, family }) =>
      this.#insecureNetworks.check(address, family === 6 ? 'ipv6' : 'ipv4'),
    );
  }
}

/** The part of a canonical name before the first slash. */
export const domainOf = (name: string): string => name.slice(0, name.indexOf('/'));
/** The part that registries know: `library/busybox`. */
export const remoteNameOf = (name: string): string => name.slice(name.indexOf('/') + 1);

function checkedHost(host: string): string {
  if (!/^(?:[\w.-]+|\[[\da-fA-F:]+\])(?::\d{1,5})?$/.test(host))
    throw invalidArgument(`insecure registry ${host} is not valid: invalid host "${host}"`);
  return host;
}

function checkMirror(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!text.includes('://')) {
    throw invalidArgument(
      `invalid mirror: no scheme specified for "${text}": must use either 'https://' or 'http://'`,
    );
  }
  if (!url) throw invalidArgument(`invalid mirror: "${text}" is not a valid URI`);
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalidArgument(`invalid mirror: unsupported scheme in "${text}"`);
  if (url.username !== '' || url.password !== '')
    throw invalidArgument('invalid mirror: username/password not allowed in URI');
  if (url.search !== '' || url.hash !== '')
    throw invalidArgument(`invalid mirror: query or fragment at end of the URI "${text}"`);
}
