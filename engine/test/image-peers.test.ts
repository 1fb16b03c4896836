import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { DockerCli } from './docker-cli.ts';
import { createTestNetwork, missingCommands } from './docker-registry.ts';
import { startDockerd } from './dockerd.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

const has = (tool: string): boolean => existsSync(`/usr/bin/${tool}`);
for (const tool of ['skopeo', 'podman', 'buildah'])
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
    const layout = kind === 'oci-archive' ? `oci-archive:${file}` : `docker-archive:${file}`;
    const { config: own } = JSON.parse(skopeo('inspect', '--raw', layout)) as { config: { digest: string } };
    expect(id).toBe(kind === 'docker-archive' ? await ourId() : own.digest);
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

test.skipIf(!has('buildah')).each(['docker-archive', 'oci-archive'])(
  'buildah pulls our archive as the same image, and we load what it pushes as %s',
  async (kind) => {
    const storage = ['--root', at('buildah'), '--runroot', at('buildah-run'), '--storage-driver', 'vfs'];
    const buildah = (...args: string[]): string =>
      execFileSync('buildah', [...storage, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }).trim();
    const pulled = buildah('pull', '-q', `docker-archive:${await saved()}`);
    expect(`sha256:${pulled}`).toBe(await ourId());
    const file = at(`buildah-${kind}.tar`);
    buildah('push', '-q', pulled, `${kind}:${file}:docker.io/peers/image:v1`);
    const { id, output } = await loadElsewhere(file, 'peers/image:v1');
    expect(output).toBe('data');
    const { config } = JSON.parse(skopeo('inspect', '--raw', `${kind}:${file}`)) as {
      config: { digest: string };
    };
    expect(id).toBe(config.digest);
  },
);

const missingForDockerd = missingCommands('dockerd');
test.skipIf(missingForDockerd.length > 0)(
  'dockerd loads what we save and we what it saves, with the same ids, layers and history',
  async () => {
    const network = createTestNetwork(`gantry-${randomBytes(3).toString('hex')}`);
    const dockerd = await startDockerd({ network, directory: at('dockerd'), flags: [] });
    const described =
      '{{.Id}} {{json .RootFS.Layers}} {{json .Config.Cmd}} {{json .Config.Labels}} {{.Created}}';
    const history = ['history', '--no-trunc', '--format', '{{.CreatedBy}} {{.Size}} {{.Comment}}'];
    const other = await startEngine({ starterImage: false });
    try {
      const loaded = await dockerd.dockerWithInput(await readFile(await saved()), 'load');
      expect(loaded.stdout.trim()).toBe('Loaded image: peers/image:v1');
      const facts = async (from: DockerCli): Promise<string[]> => [
        await from.dockerOk('image', 'inspect', '-f', described, 'peers/image:v1'),
        await from.dockerOk(...history, 'peers/image:v1'),
      ];
      const ours = await facts(engine);
      expect(await facts(dockerd)).toEqual(ours);
      await dockerd.dockerOk('save', '-o', at('dockerd.tar'), 'peers/image:v1');
      await other.dockerWithInput(await readFile(at('dockerd.tar')), 'load');
      expect(await facts(other)).toEqual(ours);
      expect(await other.dockerOk('run', '--rm', 'peers/image:v1')).toBe('data');
    } finally {
      await other.stop();
      await dockerd.stop();
      network.remove();
    }
  },
);
