import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { NetworkRegistry } from './network-registry.ts';
import { specify } from './network-specification.ts';

let dataRoot: string;
let logged: string[];
beforeEach(async () => {
  dataRoot = await mkdtemp(path.join(tmpdir(), 'gantry-networks-'));
  logged = [];
});
afterEach(() => rm(dataRoot, { recursive: true }));

async function open(flags: { bridgeName?: string; defaultSubnet?: string } = {}): Promise<NetworkRegistry> {
  const registry = new NetworkRegistry({
    dataRoot,
    bridgeName: flags.bridgeName ?? 'gantry0',
    defaultSubnet: flags.defaultSubnet,
    defaultPools: [],
    defaultIcc: true,
    overlayAddress: undefined,
    logger: createLogger('error', (line) => logged.push(line)),
  });
  await registry.load();
  return registry;
}

/** TEST-NET-2 of RFC 5737: nothing on this machine routes it. */
const create = (name: string, subnet?: string) =>
  specify({ Name: name, IPAM: { Config: subnet ? [{ Subnet: subnet }] : [] } });

test('networks keep their IDs, subnets and names over a restart', async () => {
  const first = await open();
  await first.add(create('app', '198.51.100.0/24'));
  const records = first.list().map(({ record }) => record);
  const again = (await open()).list().map(({ record }) => record);
  expect(new Map(again.map((record) => [record.id, record]))).toEqual(
    new Map(records.map((record) => [record.id, record])),
  );
  expect(again).toHaveLength(4);
});

test('a network is found by name, ID and unique prefix, a name first', async () => {
  const registry = await open();
  const { record } = await registry.add(create('app', '198.51.100.0/24'));
  for (const key of ['app', record.id, record.id.slice(0, 12)]) {
    expect(registry.resolve(key).record.id).toBe(record.id);
  }
  const shadow = await registry.add(create(record.id.slice(0, 12), '198.51.101.0/24'));
  expect(registry.resolve(record.id.slice(0, 12)).record.id).toBe(shadow.record.id);
  expect(() => registry.resolve('nope')).toThrow('network nope not found');
  expect(() => registry.resolve('')).toThrow('not found');
});

test('a name and a subnet are given to one network only', async () => {
  const registry = await open();
  await registry.add(create('app', '198.51.100.0/24'));
  await expect(registry.add(create('app'))).rejects.toThrow('network with name app already exists');
  await expect(registry.add(create('other', '198.51.100.128/25'))).rejects.toThrow(
    'Pool overlaps with other one on this address space',
  );
});

test('subnets that the engine chooses differ from each other', async () => {
  const registry = await open();
  const chosen = [await registry.add(create('a')), await registry.add(create('b'))];
  const subnets = [...chosen, registry.resolve('bridge')].map(({ record }) => record.pools.ipv4?.subnet);
  expect(new Set(subnets).size).toBe(3);
});

test('a removed network is gone after a restart', async () => {
  const registry = await open();
  const { record } = await registry.add(create('app'));
  await registry.remove(record.id);
  expect(() => registry.resolve('app')).toThrow('network app not found');
  expect((await open()).list()).toHaveLength(3);
});

test('the command line decides about the default bridge, also over what was chosen before', async () => {
  const { id } = (await open()).resolve('bridge').record;
  const changed = await open({ bridgeName: 'other0', defaultSubnet: '198.51.100.0/24' });
  const { record } = changed.resolve('bridge');
  expect(record.id).toBe(id);
  expect(record).toMatchObject({
    bridge: { linkName: 'other0' },
    pools: { ipv4: { gateway: '198.51.100.1' } },
  });
  await expect(open({ defaultSubnet: '198.51.100.0' })).rejects.toThrow(
    'invalid default subnet 198.51.100.0',
  );
});

test('a damaged record is named and does not keep the other networks from coming back', async () => {
  const registry = await open();
  await registry.add(create('app'));
  await writeFile(path.join(dataRoot, 'networks', 'broken.json'), '{"id":');
  expect((await open()).list()).toHaveLength(4);
  expect(logged.join('')).toContain('broken.json');
  expect(await readdir(path.join(dataRoot, 'networks'))).toContain('broken.json');
});
