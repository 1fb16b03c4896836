import { createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { findPortHolder, parseSockets } from './port-holder.ts';

const TCP = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4242 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 4243 1 0 20 4 30 10 -1
`;
const TCP6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0
`;

test('listening sockets are read, connections are not', () => {
  expect(parseSockets(TCP)).toEqual([{ address: '127.0.0.1', port: 8080, inode: '4242' }]);
  expect(parseSockets(TCP6)).toEqual([{ address: '::', port: 80, inode: '77' }]);
});

test('the process that listens on a port is found by its socket', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const holder = await findPortHolder('tcp', '0.0.0.0', port);
  expect(holder?.pid).toBe(process.pid);
  await new Promise((resolve) => server.close(resolve));
  expect(await findPortHolder('tcp', '0.0.0.0', port)).toBeUndefined();
});
