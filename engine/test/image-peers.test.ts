import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

const has = (tool: string): boolean => existsSync(`/usr/bin/${tool}`);
for (const tool of ['skopeo', 'podman'])
  if (!has(tool)) console.warn(`archives are not exchanged with ${tool}: it is not installed`);

let engine: TestEngine;
let directory: string;
beforeAll(async () => {
  engine = await startEngine();
  directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-peers-'));
  await engine.dockerOk(
    'run',
    '--name',
    'peer',
    'busybox',
    'sh',
    '-c',
    'mkdir /d && echo data >/d/f && rm /bin/vi',
  );
  await engine.dockerOk(
    'commit',
    '-c',
    'CMD ["cat","/d/f"]',
    '-c',
    'LABEL peer=yes',
    'peer',
    'peers/image:v1',
  );
});
afterAll(async () => {
  await engine.stop();
  rmSync(directory, { recursive: true, force: true });
});

const at = (name: string): string => path.join(directory, name);
const ourId = (): Promise<string> => engine.dockerOk('image', 'inspect', '-f', '{{.Id}}', 'peers/image:v1');
const skopeo = (...args: string[]): string =>
  execFileSync('skopeo', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

async function saved(): Promise<string> {
  const file = at('saved.tar');
  if (!existsSync(file)) await writeFile(file, (await engine.api('GET', '/images/peers/image:v1/get')).bytes);
  return file;
}

/** Loads what a peer wrote into an engine that has none of it. */
async function loadElsewhere(file: string, reference: string): Promise<{ id: string; output: string }> {
  const other = await startEngine({ starterImage: false });
  try {
    const { stdout, stderr } = await other.dockerWithInput(await readFile(file), 'load');
    const name = stdout.replace(/^Loaded image(?: ID)?: /, '').trim() || reference;
    const id = await other.dockerOk('image', 'inspect', '-f', '{{.Id}}', name).catch(() => `none: ${stderr}`);
    return { id, output: await other.dockerOk('run', '--rm', name) };
  } finally {
    await other.stop();
  }
}

test.skipIf(!has('skopeo')).each(['docker-archive', 'oci-archive'])(
  'what skopeo makes of our archive, as %s, is the same image when we read it',
  async (kind) => {
    const file = at(`skopeo-${kind}.tar`);
    const target = kind === 'oci-archive' ? `${file}:docker.io/peers/image:v1` : `${file}:peers/image:v1`;
    skopeo('copy', '-q', '--insecure-policy', `docker-archive:${await saved()}`, `${kind}:${target}`);
    const config = skopeo('inspect', '--config', '--raw', `docker-archive:${await saved()}`);
    expect(JSON.parse(config)).toMatchObject({ config: { Labels: { peer: 'yes' }, Cmd: ['cat', '/d/f'] } });
    const { id, output } = await loadElsewhere(file, 'peers/image:v1');
    expect(output).toBe('data');
    // The OCI form has a configuration of its own; Docker's is kept byte for byte.
    if (kind === 'docker-archive') expect(id).toBe(await ourId());
  },
);

test.skipIf(!has('skopeo'))('skopeo reads the OCI layout in our archive, too', async () => {
  execFileSync('sh', ['-c', `mkdir -p "$1" && tar -C "$1" -xf "$2"`, 'sh', at('layout'), await saved()]);
  const manifest = skopeo('inspect', '--raw', `oci:${at('layout')}:v1`);
  expect((JSON.parse(manifest) as { config: { digest: string } }).config.digest).toBe(await ourId());
});

test.skipIf(!has('podman')).each(['docker-archive', 'oci-archive'])(
  'podman loads our archive as the same image, and we what it saves as %s',
  async (format) => {
    const podman = (...args: string[]): string =>
      execFileSync(
        'podman',
        ['--root', at('podman'), '--runroot', at('run'), '--storage-driver', 'vfs', ...args],
        {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      ).trim();
    podman('load', '-q', '-i', await saved());
    expect(`sha256:${podman('image', 'inspect', '--format', '{{.Id}}', 'docker.io/peers/image:v1')}`).toBe(
      await ourId(),
    );
    const file = at(`podman-${format}.tar`);
    podman('save', '-q', '--format', format, '-o', file, 'docker.io/peers/image:v1');
    const { id, output } = await loadElsewhere(file, 'peers/image:v1');
    expect(output).toBe('data');
    if (format === 'docker-archive') expect(id).toBe(await ourId());
  },
);
