import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findUplink, UPLINK } from './uplink.ts';

/** Answers as slirp4netns(1) does: one JSON request a connection, ended by its sender. */
let server: Server;
let runRoot: string;
let forwards: { id: number; proto: string; host_addr: string; host_port: number }[];
const HELD_PORT = 8081;

beforeEach(async () => {
  runRoot = mkdtempSync(path.join(os.tmpdir(), 'gantry-uplink-'));
  forwards = [];
  server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('end', () => socket.end(JSON.stringify(answer(JSON.parse(text) as Request))));
  }).listen(path.join(runRoot, UPLINK.apiSocket));
  await once(server, 'listening');
});
afterEach(() => {
  server.close();
  rmSync(runRoot, { recursive: true });
});

interface Request {
  execute: string;
  arguments: { id: number; proto: string; host_addr: string; host_port: number; guest_addr: string };
}

function answer({ execute, arguments: wanted }: Request): object {
  if (execute === 'list_hostfwd') return { entries: forwards };
  if (execute === 'remove_hostfwd') {
    forwards = forwards.filter(({ id }) => id !== wanted.id);
    return { return: {} };
  }
  if (wanted.host_port === HELD_PORT || wanted.host_port < 1024) return { error: { desc: 'failed' } };
  const { proto, host_addr, host_port } = wanted;
  const id = forwards.length + 1;
  forwards.push({ id, proto, host_addr, host_port });
  return { return: { id } };
}

const port = (hostPort: number) => ({ protocol: 'tcp' as const, hostIp: '127.0.0.1', hostPort });

test('a port is opened on the host and closed again', async () => {
  const close = await findUplink(runRoot)?.forward(port(8080));
  expect(forwards).toEqual([{ id: 1, proto: 'tcp', host_addr: '127.0.0.1', host_port: 8080 }]);
  await close?.();
  expect(forwards).toEqual([]);
});

test('what a killed engine left open is taken over', async () => {
  await findUplink(runRoot)?.forward(port(8080));
  const close = await findUplink(runRoot)?.forward(port(8080));
  expect(forwards).toHaveLength(1);
  await close?.();
  expect(forwards).toEqual([]);
});

test('a refusal has the code that a bind would have had', async () => {
  await expect(findUplink(runRoot)?.forward(port(HELD_PORT))).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expect(findUplink(runRoot)?.forward(port(80))).rejects.toMatchObject({ code: 'EACCES' });
});

test('namespaces without an uplink have none', () => {
  expect(findUplink(path.join(runRoot, 'elsewhere'))).toBeUndefined();
});
