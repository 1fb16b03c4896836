import { open } from 'node:fs/promises';
import type { HostLine } from './networks.ts';

/** Docker's content of a fresh /etc/hosts. */
const LOOPBACK_HOSTS = [
  '127.0.0.1\tlocalhost',
  '::1\tlocalhost ip6-localhost ip6-loopback',
  'fe00::\tip6-localnet',
  'ff00::\tip6-mcastprefix',
  'ff02::1\tip6-allnodes',
  'ff02::2\tip6-allrouters',
];

/** A host name as other containers may see it: one that holds white space could forge lines in their hosts files. */
const HOST_NAME = /^[^\s#]+$/;

/** The hosts file: loopback (or the host's own content), what was asked for, then the container's addresses. */
export function buildHosts(head: string | undefined, lines: readonly HostLine[]): string {
  const start = head === undefined ? `${LOOPBACK_HOSTS.join('\n')}\n` : head.replace(/\n*$/, '\n');
  const clean = lines.map(({ address, names }) => ({
    address,
    names: names.filter((name) => HOST_NAME.test(name)),
  }));
  const named = clean.filter(({ names }) => names.length > 0);
  return start + named.map(({ address, names }) => `${address}\t${names.join(' ')}\n`).join('');
}

/** The container may write to its hosts file: a huge one is not read into the engine. */
const MAXIMUM_BYTES = 1 << 20;

/**
 * Without temp and rename, because the file is bind-mounted into a container. Written first, cut after: a reader in
 * between sees old lines at the end rather than an empty file.
 */
export async function rewriteInPlace(file: string, change: (content: string) => string): Promise<void> {
  const handle = await open(file, 'r+');
  try {
    const { size } = await handle.stat();
    if (size > MAXIMUM_BYTES) throw new Error(`it is ${size} bytes long`);
    const content = Buffer.from(change(await handle.readFile('utf8')));
    await handle.write(content, 0, content.length, 0);
    await handle.truncate(content.length);
  } finally {
    await handle.close();
  }
}

/** Takes the lines of addresses that are gone out, and puts new ones at the end. */
export async function writeHostLines(
  file: string,
  gone: readonly string[],
  come: readonly HostLine[],
): Promise<void> {
  await rewriteInPlace(file, (content) => {
    const kept = content.split('\n').filter((line) => !gone.includes(line.split(/\s/)[0] ?? ''));
    return buildHosts(kept.join('\n'), come);
  });
}

/** Replaces the lines of a name by one with another address. */
export async function rewriteHostLine(file: string, line: HostLine): Promise<void> {
  const [name = ''] = line.names;
  await rewriteInPlace(file, (content) => {
    const kept = content.split('\n').filter((text) => !text.split(/\s+/).slice(1).includes(name));
    return buildHosts(kept.join('\n'), [line]);
  });
}
