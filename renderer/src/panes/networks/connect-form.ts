import type { ConnectRequest, NetworkDetails } from '../../../../electron/api/types.ts';
import { pairsOf } from '../../design/rows.ts';
import type { PairRow } from '../../design/rows.ts';
import { holds, parseAddress, parseRange } from './address-range.ts';

export interface ConnectForm {
  container: string;
  ipv4: string;
  ipv6: string;
  mac: string;
  /** Separated by commas or white space. */
  aliases: string;
  gatewayPriority: string;
  options: PairRow[];
}

export const emptyConnectForm = (container = ''): ConnectForm => ({
  container,
  ipv4: '',
  ipv6: '',
  mac: '',
  aliases: '',
  gatewayPriority: '',
  options: [],
});

export type ConnectProblem =
  'addressInvalid' | 'addressOutside' | 'addressTaken' | 'macInvalid' | 'priorityInvalid';
export type ConnectProblems = Partial<Record<'ipv4' | 'ipv6' | 'mac' | 'gatewayPriority', ConnectProblem>>;

export function checkConnectForm(form: ConnectForm, network: NetworkDetails): ConnectProblems {
  const found: ConnectProblems = {};
  for (const family of ['ipv4', 'ipv6'] as const) {
    const problem = checkAddress(form[family].trim(), family, network);
    if (problem) found[family] = problem;
  }
  if (form.mac.trim() !== '' && !/^[\da-f]{2}([:-][\da-f]{2}){5}$/i.test(form.mac.trim()))
    found.mac = 'macInvalid';
  if (!/^(-?\d{1,9})?$/.test(form.gatewayPriority.trim())) found.gatewayPriority = 'priorityInvalid';
  return found;
}

function checkAddress(
  text: string,
  family: 'ipv4' | 'ipv6',
  { pools, endpoints }: NetworkDetails,
): ConnectProblem | undefined {
  if (text === '') return undefined;
  const address = parseAddress(text);
  if (!address || address.family !== (family === 'ipv4' ? 4 : 6)) return 'addressInvalid';
  const subnets = pools.flatMap(({ subnet }) => parseRange(subnet) ?? []);
  if (!subnets.some((subnet) => holds(subnet, address))) return 'addressOutside';
  const isTaken = (other: string) => parseAddress(other)?.value === address.value;
  const taken = [
    ...endpoints.map((endpoint) => endpoint[family]),
    ...pools.flatMap(({ gateway, auxiliary }) => [gateway, ...Object.values(auxiliary)]),
  ];
  return taken.some(isTaken) ? 'addressTaken' : undefined;
}

export function toConnectRequest(form: ConnectForm, network: string): ConnectRequest {
  const given = (text: string) => (text.trim() === '' ? undefined : text.trim());
  return {
    network,
    container: form.container,
    ipv4: given(form.ipv4),
    ipv6: given(form.ipv6),
    mac: given(form.mac)?.replaceAll('-', ':'),
    aliases: form.aliases.split(/[\s,]+/).filter((alias) => alias !== ''),
    gatewayPriority: Number(form.gatewayPriority.trim() || 0),
    driverOptions: pairsOf(form.options),
  };
}
