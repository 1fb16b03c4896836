import { randomInt } from 'node:crypto';
import { isIP } from 'node:net';
import type { ReachName } from '../../wire/reach.ts';
import { parseResolvConf, type ResolvConf } from '../resolv-conf.ts';
import type { Family } from '../subnet.ts';
import { decodeAnswer, encodeQuestion } from './dns-question.ts';
import type { NetworkVisit } from './network-visit.ts';
import { readBounded } from './read-bounded.ts';

/** As libc: MAXNS and MAXDNSRCH of resolv.h. */
const MOST_SERVERS = 3;
const MOST_DOMAINS = 6;
const DNS_PORT = 53;
const QUESTION_TIMEOUT_MS = 2000;
/** The container may write to its files: a huge one is not read whole. */
const MOST_FILE_BYTES = 256 << 10;

export interface LookupFiles {
  hosts: string;
  resolvConf: string;
}

/** What a program of the container gets for a name: an address itself, /etc/hosts, then the nameservers. */
export async function lookUp(visit: NetworkVisit, files: LookupFiles, asked: string): Promise<ReachName> {
  const found: ReachName = { Asked: asked, Through: 'address', Servers: [], Addresses: [], Failure: '' };
  if (isIP(asked) !== 0) return { ...found, Addresses: [asked] };
  const listed = addressesIn(await readStart(files.hosts), asked);
  if (listed.length > 0) return { ...found, Through: 'hosts', Addresses: listed };
  const settings = parseResolvConf(await readStart(files.resolvConf));
  const servers = settings.nameservers.filter((server) => isIP(server) !== 0).slice(0, MOST_SERVERS);
  const dns: ReachName = { ...found, Through: 'dns', Servers: servers, Failure: 'unknown' };
  if (servers.length === 0) return { ...dns, Failure: 'silent' };
  for (const name of candidates(asked, settings)) {
    const answer = await resolve(visit, servers, name);
    if ('addresses' in answer) return { ...dns, Addresses: answer.addresses, Failure: '' };
    // Whether a later candidate is unknown matters less than that a server failed.
    if (answer.failure !== 'unknown') return { ...dns, Failure: answer.failure };
  }
  return dns;
}

async function readStart(file: string): Promise<string> {
  const start = await readBounded(file, MOST_FILE_BYTES);
  return start.toString('utf8');
}

export function addressesIn(hosts: string, name: string): string[] {
  const lines = hosts.split('\n').map((line) => line.replace(/#.*/, '').trim().split(/\s+/));
  return lines
    .filter(([address = '', ...names]) => isIP(address) !== 0 && names.includes(name))
    .map(([address = '']) => address);
}

/** resolv.conf(5): a name with `ndots` dots or more is first tried as it is. */
export function candidates(asked: string, { search, options }: ResolvConf): string[] {
  if (asked.endsWith('.')) return [asked];
  const searched = search.slice(0, MOST_DOMAINS).map((domain) => `${asked}.${domain}`);
  const ndots = Number(options.findLast((option) => option.startsWith('ndots:'))?.slice(6) ?? 1);
  const dots = asked.split('.').length - 1;
  return dots >= ndots ? [asked, ...searched] : [...searched, asked];
}

type Resolved = { addresses: string[] } | { failure: 'unknown' | 'silent' | 'failed' };

async function resolve(visit: NetworkVisit, servers: readonly string[], name: string): Promise<Resolved> {
  const ipv4 = await query(visit, servers, name, 4);
  if ('failure' in ipv4 && ipv4.failure !== 'unknown') return ipv4;
  const ipv6 = await query(visit, servers, name, 6);
  const addresses = [ipv4, ipv6].flatMap((answer) => ('addresses' in answer ? answer.addresses : []));
  return addresses.length > 0 ? { addresses } : { failure: 'unknown' };
}

/** Servers in order, the next when one is silent or fails. */
async function query(
  visit: NetworkVisit,
  servers: readonly string[],
  name: string,
  family: Family,
): Promise<Resolved> {
  const id = randomInt(1 << 16);
  const question = encodeQuestion(name, family, id);
  if (!question) return { failure: 'unknown' };
  let last: Resolved = { failure: 'silent' };
  for (const server of servers) {
    const answer = await visit.ask('ask', server, DNS_PORT, QUESTION_TIMEOUT_MS, question.toString('hex'));
    if ('failure' in answer) continue;
    const decoded = decodeAnswer(Buffer.from(answer.values[0] ?? '', 'hex'), family, id);
    if (decoded && ('addresses' in decoded || decoded.failure === 'unknown')) return decoded;
    last = { failure: 'failed' };
  }
  return last;
}
