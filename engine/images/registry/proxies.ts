import { BlockList, isIP } from 'node:net';
import { invalidArgument } from '../../lib/errors.ts';

/** Ways out of a network that lets only its proxies out, from the environment as Go's httpproxy reads it. */
export interface Proxies {
  /** undefined: directly. */
  for(url: URL): URL | undefined;
  /** For `docker info`; SECURITY: without passwords. */
  shown: { http: string; https: string; none: string };
}

interface Exception {
  matches(host: string): boolean;
  port: string;
}

const DEFAULT_PORTS: Record<string, string> = { 'http:': '80', 'https:': '443' };

/** Throws invalid-argument for a proxy that is none. */
export function proxiesFrom(environment: NodeJS.ProcessEnv): Proxies {
  const value = (name: string): string => environment[name] ?? environment[name.toLowerCase()] ?? '';
  const http = parseProxy(value('HTTP_PROXY'));
  const https = parseProxy(value('HTTPS_PROXY'));
  const none = value('NO_PROXY');
  const exceptions = none
    .split(',')
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== '')
    .map(parseException);
  return {
    for(url) {
      const proxy = url.protocol === 'https:' ? https : http;
      if (!proxy || isExcepted(url, exceptions)) return undefined;
      return proxy;
    },
    shown: { http: shownProxy(http), https: shownProxy(https), none },
  };
}

/** This machine is never asked for by way of another. */
function isExcepted(url: URL, exceptions: readonly Exception[]): boolean {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase();
  if (host === 'localhost' || LOOPBACK.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4')) return true;
  const port = url.port === '' ? DEFAULT_PORTS[url.protocol] : url.port;
  return exceptions.some((exception) => {
    return exception.matches(host) && (exception.port === '' || exception.port === port);
  });
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** `*`, an address, a network, a domain with all below it, `.domain` for those below it alone; a port may follow. */
function parseException(entry: string): Exception {
  const [, bracketed, plain, portText = ''] = /^(?:\[(.*)\]|([^:]*))(?::(\d+))?$/.exec(entry) ?? [];
  const host = bracketed ?? plain ?? entry;
  const port = portText;
  if (host === '*') return { matches: () => true, port };
  const [address = '', bits] = host.split('/');
  const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) > 0) {
    const network = new BlockList();
    network.addSubnet(address, Math.min(Number(bits ?? 128), family === 'ipv6' ? 128 : 32), family);
    return { matches: (other) => isIP(other) > 0 && network.check(other, family), port };
  }
  const below = host.replace(/^\*?\./, '.');
  if (below.startsWith('.')) return { matches: (other) => other.endsWith(below), port };
  return { matches: (other) => other === host || other.endsWith(`.${host}`), port };
}

function parseProxy(text: string): URL | undefined {
  if (text === '') return undefined;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  // SECURITY: the text may hold a password, so it is not shown.
  if (!url || url.hostname === '') throw invalidArgument('invalid proxy address in the environment');
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw invalidArgument(`unsupported proxy scheme ${url.protocol.slice(0, -1)} in the environment`);
  return url;
}

/** As dockerd masks it. */
function shownProxy(proxy: URL | undefined): string {
  if (!proxy) return '';
  const shown = new URL(proxy);
  if (shown.username !== '') shown.username = 'xxxxx';
  if (shown.password !== '') shown.password = 'xxxxx';
  return shown.href.replace(/\/$/, '');
}
