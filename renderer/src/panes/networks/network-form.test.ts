import { describe, expect, test } from 'vitest';
import type { ContainerSummary, NetworkDetails, NetworkSummary } from '../../../../electron/api/types.ts';
import { parseAddress, parseRange } from './address-range.ts';
import { checkConnectForm, emptyConnectForm, toConnectRequest } from './connect-form.ts';
import {
  checkNetworkForm,
  emptyNetworkForm,
  emptyPool,
  toCommandLine,
  toNetworkRequest,
} from './network-form.ts';
import type { NetworkForm, PoolRow } from './network-form.ts';
import { prunable } from './prunable.ts';

const existing = [
  { name: 'shop', subnets: [{ subnet: '172.20.0.0/16', gateway: '172.20.0.1' }] },
] as NetworkSummary[];

function problems(pool: Partial<PoolRow>, form: Partial<NetworkForm> = {}): string[] {
  const pools = [{ ...emptyPool(), ...pool }];
  const found = checkNetworkForm({ ...emptyNetworkForm(), name: 'n', pools, ...form }, existing);
  return Object.entries(found).map(([where, what]) => `${where.split('.').at(-1)}: ${what?.problem}`);
}

describe('addresses', () => {
  test.each(['::', '::1', 'fd00::1', '1:2:3:4:5:6:7:8', '1::8', '10.0.0.1'])('%s is one', (text) => {
    expect(parseAddress(text)).toBeDefined();
  });

  test.each(['', '10.0.0', '10.0.0.256', '10.0.0.01', ':::', '1::2::3', '1:2:3:4:5:6:7:8:9', 'fd00::g'])(
    '%j is none',
    (text) => {
      expect(parseAddress(text)).toBeUndefined();
    },
  );

  test('a range ends where its prefix says', () => {
    expect(parseRange('10.1.0.0/16')).toMatchObject({
      last: parseAddress('10.1.255.255')?.value,
      isExact: true,
    });
    expect(parseRange('fd00::5/64')).toMatchObject({ base: parseAddress('fd00::')?.value, isExact: false });
    expect(['10.0.0.0', '10.0.0.0/33', 'fd00::/129', '10.0.0.0/8/8'].map(parseRange)).toEqual(
      Array(4).fill(undefined),
    );
  });
});

describe('a new network', () => {
  test.each<[Partial<PoolRow>, Partial<NetworkForm>]>([
    [{}, {}],
    [{ subnet: '10.20.0.0/24' }, {}],
    [{ subnet: '10.20.0.0/24', gateway: '10.20.0.254', ipRange: '10.20.0.128/25' }, {}],
    [{ subnet: '10.20.0.0/24', auxiliary: 'router=10.20.0.5, printer=10.20.0.6' }, {}],
    [{ subnet: 'fd00::/64', gateway: 'fd00::1' }, { ipv6: true }],
  ])('with %j is fine', (pool, form) => {
    expect(problems(pool, form)).toEqual([]);
  });

  test.each<[Partial<PoolRow>, string]>([
    [{ subnet: '10.20.0.0' }, 'subnet: subnetInvalid'],
    [{ subnet: '10.20.0.1/24' }, 'subnet: subnetInexact'],
    [{ subnet: '172.20.5.0/24' }, 'subnet: subnetTaken'],
    [{ subnet: 'fd00::/64' }, 'subnet: familyOff'],
    [{ gateway: '10.20.0.1' }, 'subnet: subnetMissing'],
    [{ subnet: '10.20.0.0/24', gateway: '10.21.0.1' }, 'gateway: gatewayInvalid'],
    [{ subnet: '10.20.0.0/24', gateway: 'router' }, 'gateway: gatewayInvalid'],
    [{ subnet: '10.20.0.0/24', ipRange: '10.20.0.0/16' }, 'ipRange: rangeInvalid'],
    [{ subnet: '10.20.0.0/24', ipRange: '10.21.0.0/25' }, 'ipRange: rangeInvalid'],
    [{ subnet: '10.20.0.0/24', auxiliary: 'router' }, 'auxiliary: auxiliaryInvalid'],
    [{ subnet: '10.20.0.0/24', auxiliary: 'router=10.21.0.5' }, 'auxiliary: auxiliaryInvalid'],
  ])('with %j is told what is wrong: %s', (pool, problem) => {
    expect(problems(pool)).toEqual([problem]);
  });

  test('names, families, MTU and options are checked, too', () => {
    const pair = (name: string) => ({ key: Math.random(), name, value: '' });
    expect(problems({}, { name: 'shop' })).toEqual(['name: nameTaken']);
    expect(problems({}, { name: 'a b' })).toEqual(['name: nameInvalid']);
    expect(problems({}, { ipv4: false })).toEqual(['family: noFamily']);
    expect(problems({}, { mtu: '12' })).toEqual(['mtu: mtuInvalid']);
    expect(
      Object.values(checkNetworkForm({ ...emptyNetworkForm(), labels: [pair('a'), pair('a')] }, [])),
    ).toEqual([{ problem: 'nameTwice', with: '' }]);
  });

  test('a bridge takes one subnet of each family, and no two may overlap', () => {
    const pools = ['10.1.0.0/24', '10.2.0.0/24'].map((subnet) => ({ ...emptyPool(), subnet }));
    const form = { ...emptyNetworkForm(), pools };
    expect(Object.values(checkNetworkForm(form, []))).toEqual([{ problem: 'familyTwice', with: 'IPv4' }]);
    expect(checkNetworkForm({ ...form, driver: 'macvlan' }, [])).toEqual({});
    const twice = pools.map((pool) => ({ ...pool, subnet: '10.1.0.0/24' }));
    expect(Object.values(checkNetworkForm({ ...form, driver: 'macvlan', pools: twice }, []))).toEqual([
      { problem: 'subnetTwice', with: '' },
    ]);
  });

  const full: NetworkForm = {
    ...emptyNetworkForm(),
    name: ' lab ',
    driver: 'macvlan',
    ipv6: true,
    internal: true,
    attachable: true,
    pools: [
      { ...emptyPool(), subnet: '10.1.0.0/24', gateway: '10.1.0.1', auxiliary: 'r=10.1.0.2' },
      emptyPool(),
    ],
    parent: 'eth0.10',
    mode: 'vepa',
    mtu: '1400',
    options: [{ key: 1, name: 'x', value: '' }],
    labels: [{ key: 2, name: 'team', value: 'a b' }],
  };

  test('is asked for with all that the form says', () => {
    expect(toNetworkRequest(full)).toEqual({
      name: 'lab',
      driver: 'macvlan',
      ipv4: true,
      ipv6: true,
      internal: true,
      attachable: true,
      pools: [{ subnet: '10.1.0.0/24', ipRange: '', gateway: '10.1.0.1', auxiliary: { r: '10.1.0.2' } }],
      options: { parent: 'eth0.10', macvlan_mode: 'vepa', 'com.docker.network.driver.mtu': '1400', x: '' },
      labels: { team: 'a b' },
    });
  });

  test('a parent and a mode of another driver are forgotten', () => {
    expect(toNetworkRequest({ ...full, driver: 'bridge', options: [] }).options).toEqual({
      'com.docker.network.driver.mtu': '1400',
    });
  });

  test('is shown as the command that asks for the same', () => {
    expect(toCommandLine(full)).toBe(
      "docker network create --driver macvlan --ipv6 --internal --attachable --subnet 10.1.0.0/24 --gateway 10.1.0.1 --aux-address r=10.1.0.2 --opt parent=eth0.10 --opt macvlan_mode=vepa --opt com.docker.network.driver.mtu=1400 --opt x --label 'team=a b' lab",
    );
    expect(toCommandLine(emptyNetworkForm())).toBe('docker network create NAME');
  });
});

test('pruning takes networks on which nobody runs, and says which stopped containers miss them', () => {
  const networks = [
    { name: 'used' },
    { name: 'idle' },
    { name: 'spare' },
    { name: 'none', predefined: true },
  ];
  const containers = [
    { name: 'web', networks: ['used'], state: 'running' },
    { name: 'job', networks: ['used', 'idle'], state: 'exited' },
  ];
  expect(prunable(networks as NetworkSummary[], containers as ContainerSummary[])).toEqual([
    { name: 'idle', stopped: ['job'] },
    { name: 'spare', stopped: [] },
  ]);
});

describe('a container that is to be connected', () => {
  const network = {
    pools: [{ subnet: '10.1.0.0/24', ipRange: '', gateway: '10.1.0.1', auxiliary: { r: '10.1.0.9' } }],
    endpoints: [{ ipv4: '10.1.0.2', ipv6: '' }],
  } as unknown as NetworkDetails;

  test.each([
    ['ipv4', '10.1.0.3', undefined],
    ['ipv4', '10.1.0.2', 'addressTaken'],
    ['ipv4', '10.1.0.1', 'addressTaken'],
    ['ipv4', '10.1.0.9', 'addressTaken'],
    ['ipv4', '10.2.0.3', 'addressOutside'],
    ['ipv4', 'fd00::3', 'addressInvalid'],
    ['ipv6', 'fd00::3', 'addressOutside'],
    ['mac', '02:42:0a:01:00:0', 'macInvalid'],
    ['mac', '02-42-0A-01-00-03', undefined],
    ['gatewayPriority', '1.5', 'priorityInvalid'],
    ['gatewayPriority', '-3', undefined],
  ] as const)('with %s %s: %s', (field, value, problem) => {
    const form = { ...emptyConnectForm('c'), [field]: value };
    expect(checkConnectForm(form, network)[field]).toBe(problem);
  });

  test('is connected with what was given', () => {
    const form = { ...emptyConnectForm('c'), ipv4: ' 10.1.0.3 ', aliases: 'db, cache', gatewayPriority: '7' };
    expect(toConnectRequest(form, 'n')).toEqual({
      network: 'n',
      container: 'c',
      ipv4: '10.1.0.3',
      aliases: ['db', 'cache'],
      gatewayPriority: 7,
      driverOptions: {},
    });
  });
});
