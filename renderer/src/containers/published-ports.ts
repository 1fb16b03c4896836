import type { Port } from '../../../electron/api/types.ts';

interface PublishedPort {
  key: string;
  /** `8080:80`, with `/udp` when it is not TCP. */
  text: string;
  /** Host and port a browser can open; undefined for UDP. */
  address: string | undefined;
}

const anyAddress = new Set(['', '0.0.0.0', '::']);

/** Published ports once each (IPv4 and IPv6 bindings of one port are one), by host port. */
export function publishedPorts(ports: readonly Port[], host: string): PublishedPort[] {
  const found = new Map<string, PublishedPort>();
  const published = ports.filter((port) => port.hostPort !== undefined);
  for (const port of published.sort((a, b) => (a.hostPort ?? 0) - (b.hostPort ?? 0))) {
    const suffix = port.protocol === 'tcp' ? '' : `/${port.protocol}`;
    const name = anyAddress.has(port.hostIp) ? host : port.hostIp;
    const bound = anyAddress.has(port.hostIp) ? '' : `${port.hostIp}:`;
    const text = `${bound}${port.hostPort}:${port.containerPort}${suffix}`;
    const bracketed = name.includes(':') ? `[${name}]` : name;
    found.set(text, {
      key: text,
      text,
      address: port.protocol === 'tcp' ? `${bracketed}:${port.hostPort}` : undefined,
    });
  }
  return [...found.values()];
}
