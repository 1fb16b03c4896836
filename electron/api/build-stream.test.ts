import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Dockerode from 'dockerode';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistryAccounts } from '../registry-accounts.ts';
import { fileVault } from '../secret-vault.ts';
import { runBuild } from './build-stream.ts';
import type { BuildMessage, BuildRequest } from './types.ts';

let directory = '';
let server: Server;
let answer: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-build-'));
  server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(path.join(directory, 'socket'), resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

const pasted: BuildRequest = {
  source: { kind: 'text', text: 'FROM busybox\n' },
  dockerfile: '',
  tags: ['a:1', 'b'],
  target: 'last',
  buildArgs: { A: 'b c' },
  noCache: true,
  pull: false,
  secrets: [{ id: 's', kind: 'text', value: 'hidden' }],
  sshAgent: false,
};

async function build(request: BuildRequest, signal?: AbortSignal): Promise<BuildMessage[]> {
  const docker = new Dockerode({ socketPath: path.join(directory, 'socket') });
  const accounts = new RegistryAccounts(directory, async () => fileVault, []);
  const messages: BuildMessage[] = [];
  for await (const batch of runBuild(docker, accounts, request, signal)) messages.push(...batch);
  return messages;
}

test('a pasted Dockerfile is sent as a context of one file, with what the user chose', async () => {
  let url = '';
  let body = '';
  answer = (request, response) => {
    url = request.url ?? '';
    request.setEncoding('latin1').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => response.end('{"stream":"one"}\n{"error":"two"}\n'));
  };
  expect(await build(pasted)).toMatchObject([{ stream: 'one' }, { error: 'two' }]);
  const query = new URL(url, 'http://engine').searchParams;
  expect(query.getAll('t')).toEqual(['a:1', 'b']);
  expect(JSON.parse(query.get('buildargs') ?? '')).toEqual({ A: 'b c' });
  expect([query.get('target'), query.get('nocache'), query.get('pull')]).toEqual(['last', '1', null]);
  expect(body).toMatch(/^Dockerfile\0.*FROM busybox\n/s);
});

test('a folder that is not there is the fault of the request, not an engine that does not answer', async () => {
  const missing = { ...pasted, source: { kind: 'folder' as const, folder: path.join(directory, 'none') } };
  await expect(build(missing)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
});

test('cancelling hangs up, before the reply and later', async () => {
  for (const isReplied of [false, true]) {
    const controller = new AbortController();
    const closed = new Promise<void>((resolve) => {
      answer = (request, response) => {
        response.on('close', resolve);
        if (isReplied) response.write('{"stream":"one"}\n', () => controller.abort());
        else request.on('end', () => controller.abort()).resume();
      };
    });
    await build(pasted, controller.signal).catch(() => undefined);
    await closed;
  }
});
