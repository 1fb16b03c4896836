import { invalidArgument, notImplemented } from '../lib/errors.ts';
import type { PortMap } from '../wire/container.ts';
import { parseAddress } from './ipv4.ts';

/** One port to publish: the first host port of the range that is free; `first` 0 lets the kernel choose. */
export interface PortRequest {
  protocol: 'tcp' | 'udp';
  containerPort: number;
  hostIp: string;
  first: number;
  last: number;
}

/**
 * The ports that a container publishes: HostConfig.PortBindings, and every exposed port that has none of its own
 * when all are asked for. Throws invalid-argument with Docker's texts.
 */
export function requestPorts(
  bindings: PortMap,
  exposed: readonly string[],
  publishAll: boolean,
  defaultHostIp: string,
): PortRequest[] {
  const requests: PortRequest[] = [];
  for (const [key, list] of Object.entries(bindings)) {
    const { protocol, first: containerPort } = parsePort(key);
    for (const binding of list ?? []) {
      const hostIp = checkHostIp(binding.HostIp || defaultHostIp);
      requests.push({ protocol, containerPort, hostIp, ...parseHostPort(binding.HostPort ?? '') });
    }
  }
  for (const key of publishAll ? exposed : []) {
    const { protocol, first, last } = parsePort(key);
    for (let containerPort = first; containerPort <= last; containerPort += 1) {
      const bound = requests.some(
        (port) => port.protocol === protocol && port.containerPort === containerPort,
      );
      if (!bound) requests.push({ protocol, containerPort, hostIp: defaultHostIp, first: 0, last: 0 });
    }
  }
  return requests;
}

/** `80/tcp`, `53/udp`, `80` (tcp) or `8000-8010/tcp`. */
export function parsePort(text: string): { protocol: 'tcp' | 'udp'; first: number; last: number } {
  const [ports = '', protocol = 'tcp', ...rest] = text.toLowerCase().split('/');
  if (protocol === 'sctp') throw notImplemented('publishing sctp ports');
  const range = parseRange(ports);
  if (range === undefined || range.first === 0 || rest.length > 0) {
    throw invalidArgument(`invalid port specification: ${JSON.stringify(text)}`);
  }
  if (protocol !== 'tcp' && protocol !== 'udp') throw invalidArgument(`invalid protocol: ${protocol}`);
  return { protocol, ...range };
}

function parseHostPort(text: string): { first: number; last: number } {
  if (text === '' || text === '0') return { first: 0, last: 0 };
  const range = parseRange(text);
  if (range === undefined) throw invalidArgument(`invalid port specification: ${JSON.stringify(text)}`);
  return range;
}

function parseRange(text: string): { first: number; last: number } | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  if (!match) return undefined;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first <= last && last <= 65535 ? { first, last } : undefined;
}

function checkHostIp(hostIp: string): string {
  if (hostIp.includes(':')) throw notImplemented(`publishing on the IPv6 address ${hostIp}`);
  if (parseAddress(hostIp) === undefined) throw invalidArgument(`invalid IP address: ${hostIp}`);
  return hostIp;
}
