import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCertificates, missingCommands } from './docker-registry.ts';
import { OCI_MANIFEST, startFakeRegistry } from './fake-registry.ts';
import type { FakeRegistry } from './fake-registry.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { sha256, tar } from './tar-fixture.ts';

const missing = missingCommands('openssl');
if (missing.length > 0) console.warn('ways to registries are not tested: no openssl');

const AUTHORIZATION = `Basic ${Buffer.from('way:out').toString('base64')}`;

async function listen(server: Server | net.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

describe.skipIf(missing.length > 0)('an engine behind a proxy', () => {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-ways-'));
  let registry: FakeRegistry;
  /** The registry's content by TLS, as registry.test. */
  let secured: https.Server;
  let proxy: Server;
  /** What the proxy was asked for, and with whose password. */
  const asked: { what: string; authorization: string | undefined }[] = [];
  let engine: TestEngine;
  let securedPort: number;

  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://any');
    const { 'proxy-authorization': _, ...headers } = request.headers;
    const onward = http.request(
      `http://${registry.host}${pathname}${search}`,
      { method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  };

  beforeAll(async () => {
    const { authority, server } = createCertificates(path.join(directory, 'pki'));
    registry = await startFakeRegistry();
    secured = https.createServer({ cert: readFileSync(server.cert), key: readFileSync(server.key) }, forward);
    securedPort = await listen(secured);
    proxy = http.createServer((request, response) => {
      asked.push({
        what: `${request.method} ${request.url}`,
        authorization: request.headers['proxy-authorization'],
      });
      forward(request, response);
    });
    proxy.on('connect', (request: IncomingMessage, socket: net.Socket) => {
      asked.push({ what: `CONNECT ${request.url}`, authorization: request.headers['proxy-authorization'] });
      if (request.url !== 'registry.test:443') {
        socket.end('HTTP/1.1 403 Not from here\r\n\r\n');
        return;
      }
      const onward = net.connect(securedPort, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 Go ahead\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      onward.on('error', () => socket.destroy());
      socket.on('error', () => onward.destroy());
    });
    const address = `http://way:out@127.0.0.1:${await listen(proxy)}`;
    for (const host of ['registry.test', `127.0.0.1:${securedPort}`]) {
      mkdirSync(path.join(directory, 'certs', host), { recursive: true });
      copyFileSync(authority, path.join(directory, 'certs', host, 'ca.crt'));
    }
    engine = await startEngine({
      within: ['env', `HTTP_PROXY=${address}`, `HTTPS_PROXY=${address}`, 'NO_PROXY=direct.test'],
      flags: ['--certs-dir', path.join(directory, 'certs'), '--insecure-registry', 'plain.test:5000'],
    });
  });
  afterAll(async () => {
    await engine.stop();
    await registry.close();
    for (const server of [secured, proxy]) {
      server.closeAllConnections();
      server.close();
    }
    rmSync(directory, { recursive: true });
  });

  function addImage(name: string): Buffer {
    const layer = tar([{ name: 'f', content: randomBytes(200_000) }]);
    const { digest } = registry.addImage(name, { layers: [layer] });
    const manifest = registry.manifests.get(`${name}:${digest}`);
    if (manifest) registry.manifests.set(`${name}:latest`, manifest);
    return layer;
  }

  test('pulls and pushes through a tunnel where the registry speaks TLS', async () => {
    addImage('a/tunnel');
    asked.length = 0;
    await engine.dockerOk('pull', 'registry.test/a/tunnel');
    await engine.dockerOk('tag', 'busybox', 'registry.test/a/pushed');
    await engine.dockerOk('push', 'registry.test/a/pushed');
    expect(registry.manifests.has('a/pushed:latest')).toBe(true);
    expect(new Set(asked.map(({ what }) => what))).toEqual(new Set(['CONNECT registry.test:443']));
    expect(asked.every(({ authorization }) => authorization === AUTHORIZATION)).toBe(true);
    // SECURITY: the proxy's password is the proxy's.
    expect(registry.seen.some(({ authorization }) => authorization === AUTHORIZATION)).toBe(false);
  });

  test('asks the proxy for whole addresses where there is no TLS', async () => {
    addImage('a/plain');
    asked.length = 0;
    await engine.dockerOk('pull', 'plain.test:5000/a/plain');
    expect(asked).toContainEqual({
      what: 'GET http://plain.test:5000/v2/a/plain/manifests/latest',
      authorization: AUTHORIZATION,
    });
  });

  test('goes to this machine, and to what NO_PROXY names, by itself', async () => {
    addImage('a/direct');
    asked.length = 0;
    await engine.dockerOk('pull', `${registry.host}/a/direct`);
    const { stderr } = await engine.docker('pull', 'direct.test/a/direct');
    expect(stderr).toContain('dial tcp: lookup direct.test');
    expect(asked).toEqual([]);
  });

  test('tells what the proxy says where it refuses, and nobody its password', async () => {
    const { stderr } = await engine.docker('pull', 'refused.test/a/b');
    expect(stderr.trim()).toBe('Error response from daemon: Get "https://refused.test/v2/": Not from here');
    const info = await engine.dockerOk('info', '-f', '{{.HTTPProxy}} {{.HTTPSProxy}} {{.NoProxy}}');
    expect(info).toMatch(
      /^http:\/\/xxxxx:xxxxx@127\.0\.0\.1:\d+ http:\/\/xxxxx:xxxxx@127\.0\.0\.1:\d+ direct\.test$/,
    );
  });

  test('a foreign layer comes by TLS from its own place, and is believed by its digest alone', async () => {
    const name = 'a/foreign';
    addImage(name);
    const manifest = JSON.parse(registry.manifests.get(`${name}:latest`)?.bytes.toString() ?? '') as {
      layers: { digest: string }[];
    };
    const digest = manifest.layers[0]?.digest ?? '';
    const content = registry.blobs.get(digest) ?? Buffer.alloc(0);
    const foreign = {
      ...manifest.layers[0],
      mediaType: 'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
      urls: [`https://127.0.0.1:${securedPort}/elsewhere`],
    };
    registry.addManifest(name, 'latest', OCI_MANIFEST, { ...manifest, layers: [foreign] });
    registry.blobs.delete(digest);
    let served: Buffer = Buffer.from('something else');
    registry.fault = ({ url }, response) => {
      if (url === '/elsewhere') response.end(served);
      return url === '/elsewhere';
    };
    expect((await engine.docker('pull', `${registry.host}/${name}`)).code).toBe(1);
    served = content;
    await engine.dockerOk('pull', `${registry.host}/${name}`);
    expect(digest).toBe(`sha256:${sha256(content)}`);
    registry.fault = undefined;
  });
});
