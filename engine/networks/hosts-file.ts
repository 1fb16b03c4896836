import { open } from 'node:fs/promises';
import { buildHosts, type HostLine } from './network-files.ts';

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
