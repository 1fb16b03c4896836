import { readFileSync, writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';
import { buildHosts, writeHostLines } from './hosts-file.ts';
import { hasUserDefined } from './name-tables.ts';
import type { Endpoint, HostLine, NetworkFiles, NetworkFilesRequest } from './networks.ts';
import { buildResolvConf, readHostResolvConf, type NameServer } from './resolv-conf.ts';

/** `name:address` lines; `host-gateway` is the host as the container reaches it. 400 for anything else. */
export function parseExtraHosts(extraHosts: readonly string[], hostGateway: string): HostLine[] {
  return extraHosts.map((entry) => {
    const separator = entry.indexOf(':');
    const name = entry.slice(0, separator);
    if (separator < 1 || /\s/.test(name))
      throw invalidArgument(`bad format for add-host: ${JSON.stringify(entry)}`);
    const asked = entry.slice(separator + 1).replace(/^\[(.*)\]$/, '$1');
    const address = asked === 'host-gateway' ? hostGateway : asked;
    if (isIP(address) === 0)
      throw invalidArgument(`invalid IP address in add-host: ${JSON.stringify(asked)}`);
    return { address, names: [name] };
  });
}

/** The full name, then the bare one: Docker takes `a.b` as a host name for the host `a` in the domain `b`. */
export function hostNames(hostname: string, domainname = ''): string[] {
  const full = domainname === '' ? hostname : `${hostname}.${domainname}`;
  const [bare = ''] = full.split('.');
  return bare === full ? [full] : [full, bare];
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Writes the three files without temp and rename: they are bind-mounted into the container, which would keep the
 * old inode. `hostGateway`: the host as the container reaches it.
 */
export function writeNetworkFiles(request: NetworkFilesRequest, hostGateway: string): NetworkFiles {
  const files: NetworkFiles = {
    hosts: path.join(request.directory, 'hosts'),
    resolvConf: path.join(request.directory, 'resolv.conf'),
    hostname: path.join(request.directory, 'hostname'),
  };
  const onHost = request.mode === 'host';
  const hostHosts = onHost ? readIfThere('/etc/hosts') : undefined;
  const endpoints = request.attachment?.endpoints ?? [];
  const names = hostNames(request.hostname, request.domainname);
  const lines = [
    ...parseExtraHosts(request.extraHosts, onHost ? '127.0.0.1' : hostGateway),
    ...request.links,
    ...linesOf(endpoints, names),
  ];
  const mode = 0o644;
  writeFileSync(files.hosts, buildHosts(hostHosts, lines), { mode });
  writeFileSync(files.resolvConf, buildResolvConf(readHostResolvConf(), request, serverOf(request)), {
    mode,
  });
  writeFileSync(files.hostname, `${request.hostname}\n`, { mode });
  return files;
}

/** The container's own names are at the addresses that have come, and no longer at those that are gone. */
export async function moveHostNames(
  hostsFile: string,
  { hostname, domainname }: Pick<NetworkFilesRequest, 'hostname' | 'domainname'>,
  before: readonly Endpoint[],
  after: readonly Endpoint[],
): Promise<void> {
  const gone = before.filter((endpoint) => !after.includes(endpoint));
  const come = after.filter((endpoint) => !before.includes(endpoint));
  const lines = linesOf(come, hostNames(hostname, domainname));
  await writeHostLines(hostsFile, gone.flatMap(addressesOf), lines);
}

const linesOf = (endpoints: readonly Endpoint[], names: string[]): HostLine[] =>
  endpoints.flatMap(addressesOf).map((address) => ({ address, names }));

const addressesOf = ({ ipv4, ipv6 }: Endpoint): string[] => [ipv4, ipv6].filter((address) => address !== '');

function serverOf({ mode, attachment }: NetworkFilesRequest): NameServer {
  if (mode === 'host') return 'of the host';
  return attachment && hasUserDefined(attachment) ? 'its own' : 'outside';
}
