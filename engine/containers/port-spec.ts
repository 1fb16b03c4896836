import { isIP } from 'node:net';
import { invalidArgument } from '../lib/errors.ts';
import type { ContainerConfig, HostConfig, PortMap } from '../wire/container.ts';

const PROTOCOLS = ['tcp', 'udp', 'sctp'];
const HIGHEST_PORT = 65_535;

/** `80` → `80/tcp`; 400 `invalid port specification: "x"` otherwise. */
export function normalizePort(specification: string): string {
  const [port = '', protocol = 'tcp', ...rest] = specification.split('/');
  if (rest.length > 0 || !isPortNumber(port) || !PROTOCOLS.includes(protocol.toLowerCase())) {
    throw invalidArgument(`invalid port specification: "${specification}"`);
  }
  return `${Number(port)}/${protocol.toLowerCase()}`;
}

/** Exposed ports and bindings with normal keys; a bound port is also an exposed one. */
export function normalizePorts(
  config: ContainerConfig,
  hostConfig: HostConfig,
): { exposed: Record<string, object>; bindings: PortMap } {
  const exposed: Record<string, object> = {};
  for (const port of Object.keys(config.ExposedPorts ?? {})) exposed[normalizePort(port)] = {};
  const bindings: PortMap = {};
  for (const [port, wanted] of Object.entries(hostConfig.PortBindings ?? {})) {
    const key = normalizePort(port);
    exposed[key] = {};
    for (const { HostIp = '', HostPort = '' } of wanted ?? []) {
      if (!isHostPort(HostPort)) throw invalidArgument(`invalid port specification: "${HostPort}"`);
      if (HostIp !== '' && isIP(HostIp) === 0) throw invalidArgument(`invalid IP address: "${HostIp}"`);
    }
    const whole = (wanted ?? []).map(({ HostIp = '', HostPort = '' }) => ({ HostIp, HostPort }));
    bindings[key] = [...(bindings[key] ?? []), ...whole];
  }
  return { exposed, bindings };
}

/** '' and 0: any free port; `8000-8010`: a free one of the range. */
function isHostPort(text: string): boolean {
  if (text === '') return true;
  const [first = '', last = first, ...rest] = text.split('-');
  return rest.length === 0 && isPortNumber(first) && isPortNumber(last) && Number(first) <= Number(last);
}

function isPortNumber(text: string): boolean {
  return /^\d{1,5}$/.test(text) && Number(text) <= HIGHEST_PORT;
}
