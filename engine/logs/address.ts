import { statSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { EngineError, errnoOf, invalidArgument } from '../lib/errors.ts';

export interface ReceiverAddress {
  scheme: string;
  /** Without brackets; '' for a path. */
  host: string;
  /** undefined: not given. */
  port: number | undefined;
  path: string;
}

/** `scheme://host:port/path`, as Go's url.Parse takes it apart. Throws 400. */
export function parseAddress(text: string): ReceiverAddress {
  const match = /^([a-z][a-z0-9+.-]*):\/\/(\[[^\]]*\]|[^:/]*)(?::([^/]*))?(\/.*)?$/i.exec(text);
  if (!match) throw invalidArgument(`parse ${JSON.stringify(text)}: invalid URI for request`);
  const [, scheme = '', host = '', portText, path = ''] = match;
  const port = portText === undefined ? undefined : Number(portText || Number.NaN);
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65_535)) {
    throw invalidArgument(`parse ${JSON.stringify(text)}: invalid port ":${portText}" after host`);
  }
  return { scheme: scheme.toLowerCase(), host: host.replace(/^\[|\]$/g, ''), port, path };
}

/** `host:port` as Go prints it. */
export const hostPort = (host: string, port: number): string =>
  `${isIPv6(host) ? `[${host}]` : host}:${port}`;

/** Go's os.Stat of a socket, with its text. */
export function checkExists(path: string): void {
  try {
    statSync(path);
  } catch (cause) {
    const reason = errnoOf(cause) === 'ENOENT' ? 'no such file or directory' : String(errnoOf(cause));
    throw new EngineError('invalid-argument', `stat ${path}: ${reason}`, { cause });
  }
}
