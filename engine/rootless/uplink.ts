import { existsSync } from 'node:fs';
import { createConnection } from 'node:net';
import path from 'node:path';
import { EngineError } from '../lib/errors.ts';
import type { Uplink } from '../networks/uplink.ts';

/** The user-mode network of slirp4netns(1) and our side of it. */
export const UPLINK = {
  framesSocket: 'uplink.sock',
  apiSocket: 'uplink-api.sock',
  near: 'uplink0',
  far: 'uplink1',
  address: '10.0.2.100',
  gateway: '10.0.2.2',
  resolver: '10.0.2.3',
} as const;

const TIMEOUT_MS = 5000;

interface Forward {
  id: number;
  proto: string;
  host_addr: string;
  host_port: number;
}

interface Answer {
  return?: { id?: number };
  /** Of list_hostfwd, which alone answers without `return`. */
  entries?: Forward[];
  error?: { desc?: string };
}

/** The uplink of these namespaces; undefined: they have none. */
export function findUplink(runRoot: string): Uplink | undefined {
  const apiSocket = path.join(runRoot, UPLINK.apiSocket);
  if (!existsSync(apiSocket)) return undefined;
  const list = async (): Promise<Forward[]> =>
    (await ask(apiSocket, { execute: 'list_hostfwd' })).entries ?? [];
  const remove = async (id: number): Promise<void> => {
    await ask(apiSocket, { execute: 'remove_hostfwd', arguments: { id } });
  };
  return {
    async forward({ protocol, hostIp, hostPort }) {
      const entry = { proto: protocol, host_addr: hostIp, host_port: hostPort };
      const left = (await list()).find(
        ({ proto, host_addr, host_port }) =>
          proto === protocol && host_addr === hostIp && host_port === hostPort,
      );
      if (left) return () => remove(left.id);
      const added = await ask(apiSocket, {
        execute: 'add_hostfwd',
        arguments: { ...entry, guest_addr: UPLINK.address, guest_port: hostPort },
      });
      const id = added.return?.id;
      if (id === undefined) throw refusal(hostPort);
      return () => remove(id);
    },
  };
}

/** Refuses rather than publish a port where nobody can reach it. */
export const NO_UPLINK: Uplink = {
  forward: () => Promise.reject(new EngineError('internal', 'slirp4netns is not installed')),
};

/** slirp4netns says that it failed, never why. */
function refusal(port: number): Error {
  const error =
    port < 1024 ? new Error('ordinary users may not use ports below 1024') : new Error('address in use');
  return Object.assign(error, { code: port < 1024 ? 'EACCES' : 'EADDRINUSE' });
}

/** One request a connection, answered when its write side is closed. */
function ask(socketPath: string, request: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void =>
      reject(new EngineError('internal', `the uplink (slirp4netns) does not answer: ${reason}`));
    const socket = createConnection({ path: socketPath, allowHalfOpen: true });
    let text = '';
    socket.setTimeout(TIMEOUT_MS, () => socket.destroy(new Error('timeout')));
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('error', (error) => fail(error.message));
    socket.on('end', () => {
      socket.destroy();
      try {
        resolve(JSON.parse(text) as Answer);
      } catch {
        fail(text);
      }
    });
    socket.end(JSON.stringify(request));
  });
}
