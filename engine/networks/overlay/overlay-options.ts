import { invalidArgument } from '../../lib/errors.ts';
import type { NetworkRecord } from '../network-record.ts';

const MTU = 'com.docker.network.driver.mtu';
export const VNI = 'com.docker.network.driver.overlay.vxlanid_list';

/** Outer Ethernet, IP, UDP and VXLAN headers: RFC 7348 over IPv4, and 20 bytes more over IPv6. */
const ENCAPSULATION_BYTES = 50;
/** RFC 4303 and 4106: number and sequence 8, nonce 8, padding's length and next header 2, tag 16. */
const ENCRYPTION_BYTES = 34;
const DEFAULT_MTU = 1500;

interface OverlayOptions {
  mtu: number;
  encrypted: boolean;
  /** Undefined: any that is free. */
  vni: number | undefined;
}

/** The options of the overlay driver. The given MTU is that of the network between the engines, as in Docker. */
export function overlayOptions(options: Record<string, string>): OverlayOptions {
  const unknown = Object.keys(options).find(
    (key) =>
      key.startsWith('com.docker.network.') && key !== MTU && key !== VNI && !key.includes('enable_ipv'),
  );
  if (unknown !== undefined) throw invalidArgument(`driver overlay has no option ${unknown}`);
  const encrypted = 'encrypted' in options && options['encrypted'] !== 'false';
  const outer = Number(options[MTU] || DEFAULT_MTU);
  if (!Number.isInteger(outer) || outer < 1280 || outer > 65535) {
    throw invalidArgument(`invalid MTU number: ${options[MTU]}`);
  }
  const inner = outer - ENCAPSULATION_BYTES;
  const vni = options[VNI] === undefined ? undefined : Number(options[VNI]);
  if (vni !== undefined && !isVni(vni)) throw invalidArgument(`invalid VXLAN id ${options[VNI]}`);
  // A multiple of 4 needs no padding.
  return { mtu: encrypted ? Math.floor((inner - ENCRYPTION_BYTES) / 4) * 4 : inner, encrypted, vni };
}

/** Whether what goes between its engines is never to be plain. */
export function isEncrypted({ overlay, options }: Pick<NetworkRecord, 'overlay' | 'options'>): boolean {
  return overlay !== undefined && overlayOptions(options).encrypted;
}

/** RFC 7348: 24 bits. */
export function isVni(vni: number): boolean {
  return Number.isInteger(vni) && vni > 0 && vni < 2 ** 24;
}
