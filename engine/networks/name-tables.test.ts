import { expect, test } from 'vitest';
import { upstreamsOf } from './name-service.ts';
import { containerTable, networkTable } from './name-tables.ts';
import type { Attachment, Endpoint } from './networks.ts';

function attachment(name: string, endpoint: Partial<Endpoint>): Attachment {
  return {
    containerName: name,
    hostname: `${name}-host`,
    resolver: { dns: [], dnsSearch: [], dnsOptions: [] },
    interfaces: [],
    ports: [],
    endpoints: [
      {
        networkId: 'n1',
        networkName: 'App',
        endpointId: '',
        ipv4: '10.0.0.2',
        prefixLength4: 24,
        gateway4: '10.0.0.1',
        ipv6: '',
        prefixLength6: 0,
        gateway6: '',
        mac: '',
        aliases: [],
        links: {},
        gatewayPriority: 0,
        ...endpoint,
      },
    ],
  };
}

test('a network lists every name of every container, in lower case, and back from the address', () => {
  const web = attachment('Web', { ipv6: 'fd00::2', aliases: ['frontend', 'bad name'] });
  const other = attachment('other', { networkId: 'n2' });
  const table = networkTable('n1', [
    ['0123456789abcdef', web],
    ['f'.repeat(16), other],
  ]);
  expect(table.split('\n')).toEqual([
    ...['web', 'frontend', '0123456789ab', 'web-host'].flatMap((name) => [
      `A ${name} 10.0.0.2`,
      `A ${name} fd00::2`,
    ]),
    'P 10.0.0.2 web.app',
    'P fd00::2 web.app',
    '',
  ]);
});

test('a container is told its networks, its links and whom to ask', () => {
  const view = containerTable({
    networks: [{ id: 'n1', name: 'App', subnets: ['10.0.0.0/24'], links: { DB: 'postgres' } }],
    upstreams: [
      { address: '10.0.0.53', onHost: false },
      { address: '127.0.0.1', onHost: true },
    ],
  });
  expect(view).toBe('N n1 app\nS 10.0.0.0 24\nL n1 db postgres\nU 10.0.0.53 c\nU 127.0.0.1 h\n');
});

test('questions go to the servers asked for, else to those of the host, and nowhere from inside', () => {
  const host = 'nameserver 127.0.0.1\nnameserver 10.9.9.9\nnameserver fd00::53\n';
  const web = attachment('web', {});
  expect(upstreamsOf(web, host)).toEqual([
    { address: '127.0.0.1', onHost: true },
    { address: '10.9.9.9', onHost: false },
  ]);
  expect(upstreamsOf(attachment('web', { gateway6: 'fd00::1' }), host)).toHaveLength(3);
  expect(upstreamsOf(web, '')).toContainEqual({ address: '8.8.8.8', onHost: false });
  const asked = { ...web, resolver: { ...web.resolver, dns: ['127.0.0.1'] } };
  expect(upstreamsOf(asked, host)).toEqual([{ address: '127.0.0.1', onHost: false }]);
  expect(upstreamsOf(attachment('web', { gateway4: '' }), host)).toEqual([]);
});
