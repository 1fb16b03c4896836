import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TAR_END } from '../../engine/tar/tar-header.ts';
import { packFolder } from './build-folder.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'gantry-context-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), content);
  }
}

/** Names with their type flags, as the headers say. */
async function packed(dockerfile = ''): Promise<string[]> {
  const parts: Buffer[] = [];
  for await (const part of packFolder(folder, dockerfile)) parts.push(part);
  const tar = Buffer.concat(parts);
  expect(tar.subarray(-TAR_END.length).equals(TAR_END)).toBe(true);
  const names: string[] = [];
  for (let at = 0; at < tar.length - TAR_END.length;) {
    const text = (start: number, length: number) =>
      tar.toString('latin1', at + start, at + start + length).replace(/\0.*$/s, '');
    names.push(`${text(156, 1)} ${text(0, 100)}`);
    at += 512 + Math.ceil(Number.parseInt(text(124, 12), 8) / 512) * 512;
  }
  return names;
}

test('files, directories and links are sent, links as links', async () => {
  await write({ Dockerfile: 'FROM x', 'src/a.c': 'int a;' });
  await symlink('/etc/passwd', path.join(folder, 'outside'));
  expect(await packed()).toEqual(['0 Dockerfile', '2 outside', '5 src/', '0 src/a.c']);
});

test('.dockerignore leaves out, and takes back in what is below an ignored directory', async () => {
  await write({ '.dockerignore': 'node_modules\nDockerfile\n!node_modules/keep', Dockerfile: 'FROM x' });
  await write({ 'node_modules/a': '1', 'node_modules/keep': '2', b: '' });
  expect(await packed()).toEqual(['0 .dockerignore', '0 Dockerfile', '0 b', '0 node_modules/keep']);
});

test("a Dockerfile's own ignore file counts instead", async () => {
  await write({ '.dockerignore': 'a', 'other.dockerignore': 'b', other: 'FROM x', a: '', b: '' });
  expect(await packed('other')).toEqual(['0 .dockerignore', '0 a', '0 other', '0 other.dockerignore']);
});
