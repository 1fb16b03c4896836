import { hkdfSync } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { invalidArgument, messageOf } from '../../lib/errors.ts';
import { parseAddress } from '../subnet.ts';

/**
 * Where an engine is for other engines: a TCP port for the exchange, the UDP port of the same number for VXLAN, and the
 * next one for that of encrypted networks.
 */
export interface PeerAddress {
  address: string;
  port: number;
}

export interface OverlaySettings {
  own: PeerAddress;
  peers: PeerAddress[];
  /** Holds what all engines know and nobody else. */
  secretFile: string;
}

export const OVERLAY_PORT = 7950;

export const encryptedPort = ({ port }: Pick<PeerAddress, 'port'>): number => port + 1;

/** An IPv4 address with or without a port; undefined for anything else. */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const [, address = '', digits] = /^([\d.]+)(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = digits === undefined ? OVERLAY_PORT : Number(digits);
  if (!parseAddress(address)?.value || port < 1 || encryptedPort({ port }) > 65535) return undefined;
  return { address, port };
}

const MINIMUM_SECRET_BYTES = 16;

/**
 * The key of the exchange, from which those of encrypted networks are derived. SECURITY: who has it is believed, so a
 * file that others read or write is refused, as is a secret that can be guessed. Throws invalid-argument.
 */
export async function readKey(secretFile: string): Promise<Buffer> {
  let secret: Buffer;
  try {
    const { mode } = await stat(secretFile);
    if ((mode & 0o077) !== 0) {
      throw invalidArgument(`others have access to it (mode ${(mode & 0o777).toString(8)}): chmod 600`);
    }
    secret = await readFile(secretFile);
  } catch (cause) {
    throw invalidArgument(`--overlay-secret-file ${secretFile}: ${messageOf(cause)}`, { cause });
  }
  const text = secret.toString('latin1').trim();
  if (text.length < MINIMUM_SECRET_BYTES) {
    throw invalidArgument(`--overlay-secret-file ${secretFile}: shorter than ${MINIMUM_SECRET_BYTES} bytes`);
  }
  return Buffer.from(hkdfSync('sha256', Buffer.from(text, 'latin1'), '', 'gantry overlay exchange', 32));
}
