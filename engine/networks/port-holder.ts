import { readdir, readFile, readlink } from 'node:fs/promises';
import type { Protocol } from './port-bindings.ts';
import { formatAddress, isUnspecified } from './subnet.ts';

/** A process of this host that has a port. */
interface PortHolder {
  pid: number;
  name: string;
}

interface SocketEntry {
  /** Dotted decimal; `::` for any IPv6 socket that may also take IPv4 traffic. */
  address: string;
  port: number;
  inode: string;
}

/** TCP_LISTEN, and TCP_CLOSE which is how /proc shows an unconnected UDP socket. */
const BOUND_STATES = ['0A', '07'];

/** The bound sockets of `/proc/net/{tcp,udp,tcp6,udp6}` (proc(5); addresses are little-endian words). */
export function parseSockets(table: string): SocketEntry[] {
  const sockets: SocketEntry[] = [];
  for (const line of table.split('\n').slice(1)) {
    const fields = line.trim().split(/\s+/);
    const [host, port] = (fields[1] ?? '').split(':');
    const inode = fields[9];
    if (!host || !port || inode === undefined || !BOUND_STATES.includes(fields[3] ?? '')) continue;
    const address =
      host.length === 8
        ? formatAddress({ family: 4, value: BigInt(Buffer.from(host, 'hex').readUInt32LE()) })
        : '::';
    sockets.push({ address, port: Number.parseInt(port, 16), inode });
  }
  return sockets;
}

/** Who has the port, undefined when nobody can be named. Walks /proc: for the error path only. */
export async function findPortHolder(
  protocol: Protocol,
  hostIp: string,
  port: number,
): Promise<PortHolder | undefined> {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const inodes = tables
    .flatMap(parseSockets)
    .filter((socket) => socket.port === port && clash(socket.address, hostIp))
    .map((socket) => `socket:[${socket.inode}]`);
  if (inodes.length === 0) return undefined;
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    if (await holdsAny(pid, inodes)) {
      const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '');
      return { pid: Number(pid), name: name.trimEnd() };
    }
  }
  return undefined;
}

function clash(a: string, b: string): boolean {
  return a === b || [a, b].some(isUnspecified);
}

/** False too for a process that ended meanwhile or may not be looked into. */
async function holdsAny(pid: string, inodes: readonly string[]): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  for (const descriptor of descriptors) {
    const target = await readlink(`/proc/${pid}/fd/${descriptor}`).catch(() => '');
    if (inodes.includes(target)) return true;
  }
  return false;
}
