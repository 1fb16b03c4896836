import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { INSECURE_TLS } from './certificates.ts';
import { HttpClient } from './http-client.ts';
import { RegistryError } from './registry-error.ts';

let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let client: HttpClient;
let base: URL;

beforeEach(async () => {
  server = createServer((request, response) => answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  base = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client = new HttpClient(INSECURE_TLS);
});
afterEach(async () => {
  client.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

const get = (path: string, signal = new AbortController().signal) =>
  client.request({ method: 'GET', url: new URL(path, base), signal });

test('an abort after the answer does not cut off who has the connection next', async () => {
  const first = new AbortController();
  const ports: (number | undefined)[] = [];
  let release = (): void => undefined;
  answer = ({ url, socket }, response) => {
    ports.push(socket.remotePort);
    if (url === '/quick') response.end('quick');
    else release = () => response.end('slow');
  };
  await buffer(await get('/quick', first.signal));
  const second = get('/slow');
  await expect.poll(() => ports.length).toBe(2);
  expect(ports[1]).toBe(ports[0]);
  first.abort();
  release();
  expect((await buffer(await second)).toString()).toBe('slow');
});

test('an abort ends the request, and the answer that is being read', async () => {
  answer = (_, response) => void response.writeHead(200).write('begun');
  const stop = new AbortController();
  const response = await get('/', stop.signal);
  const reading = buffer(response);
  stop.abort(new Error('enough'));
  await expect(reading).rejects.toThrow();
  await expect(get('/', stop.signal)).rejects.toThrow('enough');
});

test('a connection that the server closed while it was idle is replaced', async () => {
  answer = ({ socket }, response) => {
    response.end('x');
    response.once('finish', () => setImmediate(() => socket.destroy()));
  };
  for (let round = 0; round < 5; round += 1) await buffer(await get('/'));
});

test('an answer that comes before the whole body ends the sending', async () => {
  answer = (_, response) => void response.writeHead(413).end('too large');
  async function* endless() {
    for (;;) yield Buffer.alloc(65_536);
  }
  const signal = new AbortController().signal;
  const response = await client.request({ method: 'PATCH', url: base, body: endless(), signal });
  expect(response.statusCode).toBe(413);
  expect((await buffer(response)).toString()).toBe('too large');
});

test.each([
  ['/loop', /stopped after 10 redirects/],
  ['/odd', /invalid redirect to "ftp:\/\/elsewhere"/],
])('redirects by %s are refused', async (path, message) => {
  answer = ({ url }, response) =>
    void response.writeHead(302, { Location: url === '/loop' ? '/loop' : 'ftp://elsewhere' }).end();
  await expect(get(path)).rejects.toThrow(message);
});

test('an error names the address without its query, which may be a signature', async () => {
  answer = ({ socket }) => socket.destroy();
  const error: unknown = await get('/blob?signature=s3cret').catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(RegistryError);
  expect(String(error)).toContain(`Get "${base.origin}/blob": EOF`);
});
