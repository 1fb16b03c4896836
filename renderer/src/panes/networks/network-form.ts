import type { NetworkPool, NetworkRequest, NetworkSummary } from '../../../../electron/api/types.ts';
import { newKey, pairsOf } from '../../design/rows.ts';
import type { PairRow } from '../../design/rows.ts';
import { joinWords } from '../../format/shell-words.ts';
import { holds, overlap, parseAddress, parseRange } from './address-range.ts';
import type { AddressRange } from './address-range.ts';
import { isStacked, mtuKey } from './driver-options.ts';
import type { Driver } from './driver-options.ts';

export interface PoolRow {
  key: number;
  subnet: string;
  ipRange: string;
  gateway: string;
  /** `name=address`, separated by commas or white space. */
  auxiliary: string;
}

export interface NetworkForm {
  name: string;
  driver: Driver;
  ipv4: boolean;
  ipv6: boolean;
  pools: PoolRow[];
  internal: boolean;
  attachable: boolean;
  /** Of macvlan and ipvlan; '': a link of its own, that leads nowhere. */
  parent: string;
  /** '': the driver's own choice. */
  mode: string;
  mtu: string;
  options: PairRow[];
  labels: PairRow[];
}

export const emptyPool = (): PoolRow => ({
  key: newKey(),
  subnet: '',
  ipRange: '',
  gateway: '',
  auxiliary: '',
});

export const emptyNetworkForm = (): NetworkForm => ({
  name: '',
  driver: 'bridge',
  ipv4: true,
  ipv6: false,
  pools: [],
  internal: false,
  attachable: false,
  parent: '',
  mode: '',
  mtu: '',
  options: [],
  labels: [],
});

export type Problem =
  | 'nameInvalid'
  | 'nameTaken'
  | 'noFamily'
  | 'subnetMissing'
  | 'subnetInvalid'
  | 'subnetInexact'
  | 'subnetTaken'
  | 'subnetTwice'
  | 'familyOff'
  | 'familyTwice'
  | 'rangeInvalid'
  | 'gatewayInvalid'
  | 'auxiliaryInvalid'
  | 'mtuInvalid'
  | 'nameTwice';

/** Where (`name`, `pool.3.subnet`, `options.7`) → what is wrong, and with whom. */
export type FormProblems = Record<string, { problem: Problem; with: string } | undefined>;

/** Everything that can be known before the engine is asked, which has the last word. */
export function checkNetworkForm(form: NetworkForm, existing: readonly NetworkSummary[]): FormProblems {
  const found: FormProblems = {};
  const tell = (where: string, problem: Problem, culprit = '') => {
    found[where] ??= { problem, with: culprit };
  };
  const name = form.name.trim();
  if (name !== '' && !/^[a-zA-Z0-9][\w.-]*$/.test(name)) tell('name', 'nameInvalid');
  if (existing.some((network) => network.name === name)) tell('name', 'nameTaken');
  if (!form.ipv4 && !form.ipv6) tell('family', 'noFamily');
  form.pools.forEach((row, index) => checkPool(form, index, row, existing, tell));
  const mtu = Number(form.mtu);
  if (form.mtu.trim() !== '' && !(Number.isInteger(mtu) && mtu >= 68 && mtu <= 65_535))
    tell('mtu', 'mtuInvalid');
  for (const [kind, rows] of [
    ['options', form.options],
    ['labels', form.labels],
  ] as const) {
    rows.forEach((row, index) => {
      const earlier = rows.slice(0, index);
      if (row.name !== '' && earlier.some((other) => other.name.trim() === row.name.trim()))
        tell(`${kind}.${row.key}`, 'nameTwice');
    });
  }
  return found;
}

type Tell = (where: string, problem: Problem, culprit?: string) => void;

function checkPool(
  form: NetworkForm,
  index: number,
  row: PoolRow,
  existing: readonly NetworkSummary[],
  tell: Tell,
): void {
  const at = (field: string) => `pool.${row.key}.${field}`;
  const text = row.subnet.trim();
  if (text === '') {
    if (row.ipRange || row.gateway || row.auxiliary) tell(at('subnet'), 'subnetMissing');
    return;
  }
  const subnet = parseRange(text);
  if (!subnet) return tell(at('subnet'), 'subnetInvalid');
  if (!subnet.isExact) tell(at('subnet'), 'subnetInexact');
  if (subnet.family === 6 ? !form.ipv6 : !form.ipv4) tell(at('subnet'), 'familyOff', `IPv${subnet.family}`);
  const earlier = form.pools.slice(0, index).map((other) => parseRange(other.subnet.trim()));
  if (earlier.some((other) => other && overlap(other, subnet))) tell(at('subnet'), 'subnetTwice');
  if (form.driver === 'bridge' && earlier.some((other) => other?.family === subnet.family))
    tell(at('subnet'), 'familyTwice', `IPv${subnet.family}`);
  const holder = existing.find(({ subnets }) => subnets.some((other) => overlapsText(other.subnet, subnet)));
  if (holder) tell(at('subnet'), 'subnetTaken', holder.name);
  checkInside(subnet, row, (field, problem) => tell(at(field), problem, text));
}

function overlapsText(text: string, subnet: AddressRange): boolean {
  const other = parseRange(text);
  return other !== undefined && overlap(other, subnet);
}

function checkInside(
  subnet: AddressRange,
  row: PoolRow,
  tell: (field: string, problem: Problem) => void,
): void {
  const range = parseRange(row.ipRange.trim());
  const fits = range?.isExact && range.prefixLength >= subnet.prefixLength && overlap(range, subnet);
  if (row.ipRange.trim() !== '' && !fits) tell('ipRange', 'rangeInvalid');
  if (row.gateway.trim() !== '' && !holds(subnet, parseAddress(row.gateway.trim())))
    tell('gateway', 'gatewayInvalid');
  const auxiliary = auxiliaryOf(row.auxiliary);
  const isInside = (address: string) => holds(subnet, parseAddress(address));
  if (!auxiliary || !Object.values(auxiliary).every(isInside)) tell('auxiliary', 'auxiliaryInvalid');
}

/** Undefined when a part is no `name=address`. */
function auxiliaryOf(text: string): Record<string, string> | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== '');
  const pairs = parts.map((part) => /^([^=]+)=(.+)$/.exec(part));
  if (pairs.some((pair) => pair === null)) return undefined;
  return Object.fromEntries(pairs.map((pair) => [pair?.[1] ?? '', pair?.[2] ?? '']));
}

/** What the engine is asked for. */
export function toNetworkRequest(form: NetworkForm): NetworkRequest {
  const { name, driver, ipv4, ipv6, internal, attachable } = form;
  return {
    name: name.trim(),
    driver,
    ipv4,
    ipv6,
    internal,
    attachable,
    pools: form.pools.map(toPool).filter(({ subnet }) => subnet !== ''),
    options: optionsOf(form),
    labels: pairsOf(form.labels),
  };
}

function toPool({ subnet, ipRange, gateway, auxiliary }: PoolRow): NetworkPool {
  return {
    subnet: subnet.trim(),
    ipRange: ipRange.trim(),
    gateway: gateway.trim(),
    auxiliary: auxiliaryOf(auxiliary) ?? {},
  };
}

function optionsOf({ driver, parent, mode, mtu, options }: NetworkForm): Record<string, string> {
  return {
    ...(isStacked(driver) && parent.trim() !== '' && { parent: parent.trim() }),
    ...(isStacked(driver) && mode !== '' && { [`${driver}_mode`]: mode }),
    ...(mtu.trim() !== '' && { [mtuKey]: mtu.trim() }),
    ...pairsOf(options),
  };
}

/** The line of the docker CLI that asks for the same. */
export function toCommandLine(form: NetworkForm): string {
  const { name, driver, ipv4, ipv6, internal, attachable, pools, options, labels } = toNetworkRequest(form);
  const pairs = (flag: string, values: Record<string, string>) =>
    Object.entries(values).flatMap(([key, value]) => [flag, value === '' ? key : `${key}=${value}`]);
  return joinWords([
    'docker',
    'network',
    'create',
    ...(driver === 'bridge' ? [] : ['--driver', driver]),
    ...(ipv4 ? [] : ['--ipv4=false']),
    ...(ipv6 ? ['--ipv6'] : []),
    ...(internal ? ['--internal'] : []),
    ...(attachable ? ['--attachable'] : []),
    ...pools.flatMap(({ subnet, ipRange, gateway, auxiliary }) => [
      '--subnet',
      subnet,
      ...(ipRange === '' ? [] : ['--ip-range', ipRange]),
      ...(gateway === '' ? [] : ['--gateway', gateway]),
      ...pairs('--aux-address', auxiliary),
    ]),
    ...pairs('--opt', options),
    ...pairs('--label', labels),
    name === '' ? 'NAME' : name,
  ]);
}
