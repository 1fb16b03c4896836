import { invalidArgument } from '../lib/errors.ts';
import type { PortMap } from '../wire/container.ts';
import { formatAddress, parseAddress } from './subnet.ts';

export type Protocol = 'tcp' | 'udp' | 'sctp';

/** One port to publish: the first host port of the range that is free; `first` 0 lets the kernel choose. */
export interface PortRequest {
  protocol: Protocol;
  containerPort: number;
  /** The same port on each of them: `0.0.0.0` and `::` for a port that no address was named for. */
  hostIps: string[];
  first: number;
  last: number;
}

/**
 * The ports that a container publishes: HostConfig.PortBindings, and every exposed port that has none of its own
 * when all are asked for. `defaultHostIps`: where no address is named. Throws invalid-argument with Docker's texts.
 */
export function requestPorts(
  bindings: PortMap,
  exposed: readonly string[],
  publishAll: boolean,
  defaultHostIps: readonly string[],
): PortRequest[] {
  const requests: PortRequest[] = [];
  for (const [key, list] of Object.entries(bindings)) {
    const { protocol, first: containerPort } = parsePort(key);
    for (const binding of list ?? []) {
      const hostIps = binding.HostIp ? [checkHostIp(binding.HostIp)] : [...defaultHostIps];
      requests.push({ protocol, containerPort, hostIps, ...parseHostPort(binding.HostPort ?? '') });
    }
  }
  for (const key of publishAll ? exposed : []) {
    const { protocol, first, last } = parsePort(key);
    for (let containerPort = first; containerPort <= last; containerPort += 1) {
      const bound = requests.some(
        (port) => port.protocol === protocol && port.containerPort === containerPort,
      );
      if (!bound) requests.push({ protocol, containerPort, hostIps: [...defaultHostIps], first: 0, last: 0 });
    }
  }
  return requests;
}

/** `80/tcp`, `53/udp`, `80` (tcp) or `8000-8010/tcp`. */
export function parsePort(text: string): { protocol: Protocol; first: number; last: number } {
  const [ports = '', protocol = 'tcp', ...rest] = text.toLowerCase().split('/');
  const range = parseRange(ports);
  if (range === undefined || range.first === 0 || rest.length > 0) {
    throw invalidArgument(`invalid port specification: ${JSON.stringify(text)}`);
  }
  if (protocol !== 'tcp' && protocol !== 'udp' && protocol !== 'sctp') {
    throw invalidArgument(`invalid protocol: ${protocol}`);
  }
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

/** In canonical form: the rules and errors compare it as text. */
function checkHostIp(hostIp: string): string {
  const address = parseAddress(hostIp);
  if (address === undefined) throw invalidArgument(`invalid IP address: ${hostIp}`);
  return formatAddress(address);
}
