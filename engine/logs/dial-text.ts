import { hostPort } from './address.ts';

/** What Go says to the errors of connecting. */
const REASONS: Record<string, string> = {
  ECONNREFUSED: 'connect: connection refused',
  ENOENT: 'connect: no such file or directory',
  EACCES: 'connect: permission denied',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};

interface ConnectError extends Error {
  code?: string;
  address?: string;
  port?: number;
  hostname?: string;
}

/** A failure to connect in Docker's words, `dial tcp 127.0.0.1:514: connect: connection refused`. */
export function dialText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause, code = '', address, port, hostname, message } = error as ConnectError;
  if (cause instanceof Error) return message.replace(cause.message, dialText(cause));
  if (code === 'ENOTFOUND' && hostname) return `dial tcp: lookup ${hostname}: no such host`;
  const reason = REASONS[code];
  if (reason === undefined || address === undefined) return message;
  return port === undefined
    ? `dial unix ${address}: ${reason}`
    : `dial tcp ${hostPort(address, port)}: ${reason}`;
}
