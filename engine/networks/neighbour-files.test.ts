import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { NeighbourFiles } from './neighbour-files.ts';
import type { Attachment } from './networks.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-hosts-'));
});
afterEach(() => rm(directory, { recursive: true }));

function attachment(name: string, networkName: string, ipv4: string, aliases: string[] = []): Attachment {
  const endpoint = { networkId: `id-${networkName}`, networkName, endpointId: '', ipv4, aliases };
  const none = { ipv6: '', prefixLength6: 0, gateway6: '', links: {} };
  return {
    containerName: name,
    hostname: name,
    hostsFile: path.join(directory, name),
    interfaces: [],
    ports: [],
    endpoints: [{ ...endpoint, ...none, prefixLength4: 24, gateway4: '', mac: '', gatewayPriority: 0 }],
  };
}

test('names come and go in the same file, on user-defined networks only', async () => {
  const files = new NeighbourFiles(createLogger('error'));
  const web = attachment('web', 'app', '10.0.0.2');
  const db = attachment('db', 'app', '10.0.0.3', ['database']);
  const other = attachment('other', 'bridge', '172.17.0.2');
  await Promise.all([web, other].map(({ hostsFile = '' }) => writeFile(hostsFile, '127.0.0.1\tlocalhost\n')));
  const { ino } = await stat(web.hostsFile ?? '');

  await files.update([
    ['w'.repeat(64), web],
    ['d'.repeat(64), db],
    ['o'.repeat(64), other],
  ]);
  const withDb = await readFile(web.hostsFile ?? '', 'utf8');
  expect(withDb).toContain('10.0.0.2\tweb wwwwwwwwwwww\n');
  expect(withDb).toContain('10.0.0.3\tdb database dddddddddddd\n');
  expect(await readFile(other.hostsFile ?? '', 'utf8')).toBe('127.0.0.1\tlocalhost\n');

  await files.update([['w'.repeat(64), web]]);
  expect(await readFile(web.hostsFile ?? '', 'utf8')).not.toContain('db');
  // The container sees the file through a bind mount of this inode.
  expect((await stat(web.hostsFile ?? '')).ino).toBe(ino);
});
