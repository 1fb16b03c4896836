import { EngineError, errnoOf, messageOf } from '../../lib/errors.ts';
import { RegistryError, requestText } from './registry-error.ts';

const UNKNOWN_AUTHORITY = [
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_GET_ISSUER_CERT',
];
const DIAL_ERRORS: Partial<Record<string, string>> = {
  ECONNREFUSED: 'connect: connection refused',
  EHOSTUNREACH: 'connect: no route to host',
  ENETUNREACH: 'connect: network is unreachable',
  ETIMEDOUT: 'i/o timeout',
};
const CONNECTION_ERRORS: Partial<Record<string, string>> = {
  ECONNRESET: 'read: connection reset by peer',
  EPIPE: 'write: broken pipe',
  CERT_HAS_EXPIRED: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
  CERT_NOT_YET_VALID: 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid',
};

/** A failed connection in the words of Go's HTTP client, which Docker shows and its clients match. */
export function transportError(method: string, url: URL, error: unknown): Error {
  if (error instanceof EngineError) return error;
  return new RegistryError(`${requestText(method, url)}: ${reason(first(error), url)}`, {
    cause: error,
    transport: true,
  });
}

/** Of several addresses that were tried, Go tells the first. */
function first(error: unknown): unknown {
  return error instanceof AggregateError ? (error.errors[0] as unknown) : error;
}

function reason(error: unknown, { hostname }: URL): string {
  const errno = errnoOf(error) ?? '';
  const message = messageOf(error);
  if (errno === 'ENOTFOUND') return `dial tcp: lookup ${hostname}: no such host`;
  if (errno === 'EAI_AGAIN') return `dial tcp: lookup ${hostname}: server misbehaving`;
  if (UNKNOWN_AUTHORITY.includes(errno))
    return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
  if (errno === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `tls: failed to verify certificate: x509: certificate is not valid for ${hostname}`;
  if (errno === 'ERR_SSL_WRONG_VERSION_NUMBER' || /wrong version number|packet length/.test(message))
    return 'http: server gave HTTP response to HTTPS client';
  if (/alert (bad certificate|certificate required)/.test(message))
    return `remote error: tls: ${/alert (bad certificate|certificate required)/.exec(message)?.[1]}`;
  const dial = DIAL_ERRORS[errno];
  if (dial !== undefined) return `dial tcp ${addressOf(error)}: ${dial}`;
  if (message === 'socket hang up' || message === 'aborted') return 'EOF';
  return CONNECTION_ERRORS[errno] ?? message;
}

function addressOf(error: unknown): string {
  const { address = '', port = '' } = error as { address?: string; port?: number | string };
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}
