import { once } from 'node:events';
import { chmod, lstat, mkdir, unlink } from 'node:fs/promises';
import { createConnection } from 'node:net';
import type { Server } from 'node:net';
import path from 'node:path';
import { conflict, errnoOf, invalidArgument } from '../lib/errors.ts';

/** sun_path is 108 bytes with the terminating zero; libuv cuts off what is longer without a word. */
const MAXIMUM_PATH_BYTES = 107;

/**
 * Listens on a unix socket of mode 0660 (SECURITY: engine socket). A socket file that nobody answers on is what a
 * killed engine left and is replaced; a live one, or a file of another kind, is not touched.
 */
export async function listenOnSocket(server: Server, socketPath: string): Promise<void> {
  if (Buffer.byteLength(socketPath) > MAXIMUM_PATH_BYTES) {
    throw invalidArgument(`socket path is longer than ${MAXIMUM_PATH_BYTES} bytes: ${socketPath}`);
  }
  await mkdir(path.dirname(socketPath), { recursive: true, mode: 0o750 });
  await removeStaleSocket(socketPath);
  // bind() happens inside listen(): under this umask nobody can connect between bind and chmod.
  const umask = process.umask(0o117);
  try {
    server.listen(socketPath);
  } finally {
    process.umask(umask);
  }
  await once(server, 'listening');
  await chmod(socketPath, 0o660);
}

async function removeStaleSocket(socketPath: string): Promise<void> {
  try {
    if (!(await lstat(socketPath)).isSocket()) {
      throw invalidArgument(`${socketPath} exists and is not a socket`);
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return;
    throw error;
  }
  if (await answers(socketPath)) throw conflict(`another process is listening on ${socketPath}`);
  await unlink(socketPath);
}

async function answers(socketPath: string): Promise<boolean> {
  const socket = createConnection(socketPath);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
