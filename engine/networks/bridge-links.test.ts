import { expect, test } from 'vitest';
import { batchToMake } from './bridge-links.ts';

test('a bridge gets a fixed MAC from its address, an alias that names the engine, and is up last', () => {
  const batch = batchToMake(
    { name: 'gantry0', addresses: ['10.1.0.1/24', 'fd00::1/64'], mtu: 1400 },
    'gantry:/var/lib/my root',
  );
  expect(batch.split('\n')).toEqual([
    'link add name gantry0 address 02:42:0a:01:00:01 mtu 1400 type bridge',
    'link set dev gantry0 alias "gantry:/var/lib/my root"',
    'address add 10.1.0.1/24 broadcast + dev gantry0',
    'address add fd00::1/64 dev gantry0 nodad',
    'link set dev gantry0 up',
    '',
  ]);
});
