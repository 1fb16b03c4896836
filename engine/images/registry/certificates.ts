import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import tls from 'node:tls';
import { errnoOf, invalidArgument } from '../../lib/errors.ts';

/** How a registry's certificate is judged and what is shown to it. */
export interface TlsSettings {
  rejectUnauthorized: boolean;
  /** PEM; undefined: the roots that come with Node. */
  ca: string[] | undefined;
  /** Client certificates in PEM, each with the key at the same place of `key`. */
  cert: string[] | undefined;
  key: string[] | undefined;
}

/** Debian's bundle of the system's roots, where an administrator adds own authorities. */
const SYSTEM_ROOTS = '/etc/ssl/certs/ca-certificates.crt';

/** SECURITY: a registry configured as insecure is told no client certificate, and its own is not looked at. */
export const INSECURE_TLS: TlsSettings = {
  rejectUnauthorized: false,
  ca: undefined,
  cert: undefined,
  key: undefined,
};

/**
 * Docker's certs.d: in the first of `directories` that has one named `host[:port]`, `*.crt` are authorities on top of
 * the system's, and each `*.cert` with its `*.key` is a client certificate. Throws invalid-argument for half a pair.
 */
export async function readCertificates(directories: string[], host: string): Promise<TlsSettings> {
  const roots = await systemRoots();
  const settings: TlsSettings = { rejectUnauthorized: true, ca: roots, cert: undefined, key: undefined };
  for (const root of directories) {
    const directory = path.join(root, host);
    const names = await namesIn(directory);
    if (!names) continue;
    const read = (name: string): Promise<string> => readFile(path.join(directory, name), 'utf8');
    const authorities = names.filter((name) => name.endsWith('.crt'));
    if (authorities.length > 0)
      settings.ca = [...(roots ?? tls.rootCertificates), ...(await Promise.all(authorities.map(read)))];
    const pairs = clientPairs(names);
    if (pairs.length > 0) {
      settings.cert = await Promise.all(pairs.map((base) => read(`${base}.cert`)));
      settings.key = await Promise.all(pairs.map((base) => read(`${base}.key`)));
    }
    return settings;
  }
  return settings;
}

function clientPairs(names: string[]): string[] {
  const bases = (suffix: string): string[] =>
    names.filter((name) => name.endsWith(suffix)).map((name) => name.slice(0, -suffix.length));
  const [certificates, keys] = [bases('.cert'), bases('.key')];
  const lonely = certificates.find((base) => !keys.includes(base));
  if (lonely !== undefined) {
    throw invalidArgument(
      `missing key ${lonely}.key for client certificate ${lonely}.cert. CA certificates must use the extension .crt`,
    );
  }
  const widow = keys.find((base) => !certificates.includes(base));
  if (widow !== undefined)
    throw invalidArgument(`missing client certificate ${widow}.cert for key ${widow}.key`);
  return certificates;
}

async function namesIn(directory: string): Promise<string[] | undefined> {
  try {
    return (await readdir(directory)).sort();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}

async function systemRoots(): Promise<string[] | undefined> {
  try {
    return [await readFile(SYSTEM_ROOTS, 'utf8')];
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
