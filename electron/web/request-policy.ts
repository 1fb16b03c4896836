import { createHash, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';

/** SECURITY: who may talk to the web-mode server: no rebound name, no foreign page. Pure, so that every refusal is tested. */
export interface WebAddress {
  /** What the server listens on: `127.0.0.1` unless asked otherwise. */
  host: string;
  port: number;
}

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];
const WILDCARDS = new Set(['0.0.0.0', '::']);
const TOKEN_PROTOCOL = 'gantry.token.';

/**
 * SECURITY: DNS rebinding. A page of another site that has its name resolve to us still sends its own name as Host.
 * On a wildcard address any IP literal is ours too: a literal cannot be rebound.
 */
export function isAllowedHost(hostHeader: string | undefined, { host, port }: WebAddress): boolean {
  if (!hostHeader) return false;
  const match = /^(\[[0-9a-f:.]+\]|[^:[\]]+)(?::(\d+))?$/i.exec(hostHeader);
  if (!match || Number(match[2] ?? 80) !== port) return false;
  const name = match[1]!.toLowerCase();
  if (LOOPBACK_NAMES.includes(name) || name === host || name === `[${host}]`) return true;
  return WILDCARDS.has(host) && isIP(name.replace(/^\[|\]$/g, '')) !== 0;
}

/** SECURITY: cross-site WebSocket hijacking. Only the page that this very server gave out may open the API. */
export function isAllowedOrigin(origin: string | undefined, hostHeader: string | undefined): boolean {
  return origin !== undefined && hostHeader !== undefined && origin === `http://${hostHeader}`;
}

/** The token in `Sec-WebSocket-Protocol: gantry, gantry.token.<token>`; browsers can set no other header there. */
export function tokenOf(protocols: Iterable<string>): string | undefined {
  for (const protocol of protocols) {
    if (protocol.startsWith(TOKEN_PROTOCOL)) return protocol.slice(TOKEN_PROTOCOL.length);
  }
  return undefined;
}

/** Constant time, whatever the lengths. */
export function isToken(candidate: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(candidate ?? ''), digest(token)) && candidate !== undefined;
}

/**
 * No inline script, nothing from elsewhere. Inline *styles* are allowed because xterm.js and CodeMirror write
 * `<style>` elements and `style` attributes at run time, xterm without nonce support.
 */
export function contentSecurityPolicy(connectSources: string): string {
  return [
    "default-src 'self'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self' data:",
    `connect-src ${connectSources}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}

export function securityHeaders(connectSources: string): Record<string, string> {
  return {
    'Content-Security-Policy': contentSecurityPolicy(connectSources),
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  };
}
