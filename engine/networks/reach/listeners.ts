import { formatAddress } from '../subnet.ts';
import { readBounded } from './read-bounded.ts';

/** include/net/tcp_states.h; a UDP socket that is bound and not connected is in TCP_CLOSE. */
const LISTENING = { tcp: '0A', udp: '07' } as const;
/** Listening sockets come first; a container with very many connections is not read to its end. */
const MOST_BYTES = 4 << 20;

/**
 * Addresses on which somebody listens at `port` in the network namespace of a process, which `/proc/PID/net` shows
 * without entering it.
 */
export async function listeningAddresses(
  pid: number,
  protocol: 'tcp' | 'udp',
  port: number,
): Promise<string[]> {
  const tables = await Promise.all(
    [protocol, `${protocol}6`].map((name) => readBounded(`/proc/${pid}/net/${name}`, MOST_BYTES)),
  );
  return [...new Set(tables.flatMap((table) => parseListeners(table.toString('latin1'), protocol, port)))];
}

/** `sl local_address rem_address st …` (proc_pid_net(5)), addresses as the words of this machine in hexadecimal. */
export function parseListeners(table: string, protocol: 'tcp' | 'udp', port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return table.split('\n').flatMap((line) => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', at] = local.split(':');
    const text = at === wanted && state === LISTENING[protocol] ? addressOf(address) : undefined;
    return text === undefined ? [] : [text];
  });
}

function addressOf(words: string): string | undefined {
  if (!/^([0-9A-F]{8}|[0-9A-F]{32})$/.test(words)) return undefined;
  const bytes = Buffer.from(words, 'hex');
  const family = bytes.length === 4 ? 4 : 6;
  // Little-endian machines only, as the plan's encoding.
  return formatAddress({ family, value: BigInt(`0x${bytes.swap32().toString('hex')}`) });
}

const LOOPBACK = /^(127\.|::1$|::ffff:7f)/;

export const isLoopback = (address: string): boolean => LOOPBACK.test(address);
/** Whether a socket bound to `bound` takes what comes to `address`; `::` takes both families but where it may not. */
export const takes = (bound: string, address: string): boolean =>
  bound === address || bound === '::' || (bound === '0.0.0.0' && !address.includes(':'));
