import { randomBytes } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createCertificates,
  createTestNetwork,
  missingCommands,
  PASSWORD,
  startDockerRegistry,
  startPlainRegistry,
  USER,
} from './docker-registry.ts';
import type { DockerRegistry, TestCertificates, TestNetwork } from './docker-registry.ts';
import { startDockerd } from './dockerd.ts';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';

const BUSYBOX = fileURLToPath(new URL('../../build/starter/busybox.tar', import.meta.url));
const needed = missingCommands('docker-registry', 'openssl', 'nsenter', 'curl');
if (needed.length > 0) console.log(`registries are not tested: not installed: ${needed.join(', ')}`);
const absent = missingCommands('skopeo', 'podman', 'dockerd');
if (absent.length > 0) console.log(`registries are not compared with: ${absent.join(', ')}`);

describe.skipIf(needed.length > 0)('a docker-registry with TLS', () => {
  let engine: TestEngine;
  let network: TestNetwork;
  let certificates: TestCertificates;
  /** Wants a password. */
  let registry: DockerRegistry;
  /** Wants a client certificate. */
  let closed: DockerRegistry;
  const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-registries-'));
  const certsDirectory = path.join(directory, 'certs.d');

  beforeAll(async () => {
    network = createTestNetwork(`gantry-${randomBytes(3).toString('hex')}`);
    certificates = createCertificates(path.join(directory, 'pki'));
    const start = (name: string, port: number, clientCertificates: boolean) =>
      startDockerRegistry({
        network,
        directory: path.join(directory, name),
        port,
        certificates,
        clientCertificates,
      });
    [registry, closed, engine] = await Promise.all([
      start('registry', 5001, false),
      start('closed', 5002, true),
      startEngine({ within: network.within, flags: ['--certs-dir', certsDirectory] }),
    ]);
  });
  afterAll(async () => {
    await engine.stop();
    await Promise.all([registry.stop(), closed.stop()]);
    network.remove();
    rmSync(directory, { recursive: true });
  });

  function trust(host: string): string {
    const place = path.join(certsDirectory, host);
    mkdirSync(place, { recursive: true });
    copyFileSync(certificates.authority, path.join(place, 'ca.crt'));
    return place;
  }

  const login = (password: string) =>
    engine.dockerWithInput(password, 'login', '-u', USER, '--password-stdin', registry.host);

  test('is not trusted before its authority is in certs.d', async () => {
    const { stderr } = await engine.docker('pull', `${registry.host}/a/none`);
    expect(stderr.trim()).toBe(
      `Error response from daemon: Get "https://${registry.host}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
    trust(registry.host);
    const refused = await engine.docker('pull', `${registry.host}/a/none`);
    expect(refused.stderr.trim()).toBe(
      `Error response from daemon: Get "https://${registry.host}/v2/a/none/manifests/latest": no basic auth credentials`,
    );
  });

  test('a client certificate is shown where certs.d has one, and half a pair is refused', async () => {
    const place = trust(closed.host);
    const refused = await engine.docker('pull', `${closed.host}/a/none`);
    expect(refused.stderr).toMatch(/tls: (bad certificate|certificate required)/);
    copyFileSync(certificates.client.cert, path.join(place, 'client.cert'));
    const half = await engine.docker('pull', `${closed.host}/a/none`);
    expect(half.stderr).toContain('missing key client.key for client certificate client.cert');
    copyFileSync(certificates.client.key, path.join(place, 'client.key'));
    await engine.dockerOk('tag', 'busybox', `${closed.host}/a/busybox`);
    await engine.dockerOk('push', `${closed.host}/a/busybox`);
    await engine.dockerOk('rmi', `${closed.host}/a/busybox`);
    await engine.dockerOk('pull', `${closed.host}/a/busybox`);
  });

  test('a wrong password is refused, the right one kept by the client', async () => {
    const wrong = await login('wrong password');
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining(
        `login attempt to https://${registry.host}/v2/ failed with status: 401 Unauthorized`,
      ),
    ]);
    expect((await login(PASSWORD)).stdout).toContain('Login Succeeded');
  });

  test('an image is pushed, browsed, and pulled by tag, by digest and with all its tags', async () => {
    const name = `${registry.host}/team/tools`;
    for (const tag of ['1', '2']) {
      await engine.dockerOk('tag', 'busybox', `${name}:${tag}`);
      expect(await engine.dockerOk('push', `${name}:${tag}`)).toMatch(
        new RegExp(`\\n${tag}: digest: sha256:[0-9a-f]{64} size: \\d+$`),
      );
    }
    const encoded = Buffer.from(JSON.stringify({ username: USER, password: PASSWORD })).toString('base64url');
    const headers = { 'X-Registry-Auth': encoded };
    const ask = async (target: string) => (await engine.api('GET', target, undefined, headers)).json;
    expect(await ask(`/gantry/v1/registries/repositories?server=${registry.host}`)).toContain('team/tools');
    expect(await ask(`/gantry/v1/registries/tags?repository=${name}`)).toEqual(
      expect.arrayContaining(['1', '2']),
    );
    const [digest = ''] = JSON.parse(
      await engine.dockerOk('image', 'inspect', '-f', '{{json .RepoDigests}}', `${name}:1`),
    ) as string[];
    expect(await ask(`/distribution/${name}:1/json`)).toMatchObject({
      Descriptor: { digest: digest.split('@')[1] },
      Platforms: [{ architecture: 'amd64', os: 'linux' }],
    });
    const remove = () => engine.docker('rmi', `${name}:1`, `${name}:2`, digest);
    await remove();
    expect(await engine.dockerOk('pull', digest)).toContain(`Status: Downloaded newer image for ${digest}`);
    expect(await engine.dockerOk('run', '--rm', '--network=none', digest, 'echo', 'pulled')).toBe('pulled');
    await remove();
    await engine.dockerOk('pull', '--all-tags', name);
    const tags = await engine.dockerOk('images', '--format', '{{.Tag}}', name);
    expect(tags.split('\n').toSorted()).toEqual(['1', '2']);
  });

  test('what another repository has is mounted, what is there already is not sent', async () => {
    const name = `${registry.host}/other/tools`;
    await engine.dockerOk('tag', `${registry.host}/team/tools:1`, name);
    expect(await engine.dockerOk('push', name)).toContain(': Mounted from team/tools');
    expect(await engine.dockerOk('push', name)).toContain(': Layer already exists');
    const foreign = await engine.docker('push', `${registry.host}/not/here`);
    expect(foreign.stderr.trim()).toBe(
      `An image does not exist locally with the tag: ${registry.host}/not/here`,
    );
  });

  test('of an index the image for the machine is pulled', async () => {
    const name = 'team/multi';
    const curl = (...args: string[]): string =>
      network.run('curl', '-sSf', '--cacert', certificates.authority, '-u', `${USER}:${PASSWORD}`, ...args);
    await engine.dockerOk('tag', 'busybox', `${registry.host}/${name}:amd64`);
    const pushed = await engine.dockerOk('push', `${registry.host}/${name}:amd64`);
    const [, digest = '', size = ''] = /digest: (\S+) size: (\d+)/.exec(pushed) ?? [];
    const mediaType = 'application/vnd.docker.distribution.manifest.v2+json';
    const list = {
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.list.v2+json',
      manifests: [
        { mediaType, digest, size: Number(size), platform: { os: 'linux', architecture: 'amd64' } },
      ],
    };
    const file = path.join(directory, 'list.json');
    writeFileSync(file, JSON.stringify(list));
    const url = `https://${registry.host}/v2/${name}/manifests/latest`;
    curl('-X', 'PUT', '-H', `Content-Type: ${list.mediaType}`, '--data-binary', `@${file}`, url);
    await engine.dockerOk('pull', '--platform', 'linux/amd64', `${registry.host}/${name}`);
    const missing = await engine.docker('pull', '--platform', 'linux/s390x', `${registry.host}/${name}`);
    expect(missing.stderr).toContain('no matching manifest for linux/s390x in the manifest list entries');
  });

  test('docker run pulls what is missing', async () => {
    await engine.docker('rmi', `${registry.host}/team/tools:1`, `${registry.host}/team/tools:2`);
    expect(
      await engine.dockerOk('run', '--rm', '--network=none', `${registry.host}/team/tools:1`, 'echo', 'ran'),
    ).toBe('ran');
  });

  test('one without TLS is refused, unless --insecure-registry names it', async () => {
    const plain = await startPlainRegistry(path.join(directory, 'plain'), network);
    const trusting = await startEngine({
      within: network.within,
      flags: ['--insecure-registry', plain.host],
    });
    try {
      const name = `${plain.host}/a/busybox`;
      await engine.dockerOk('tag', 'busybox', name);
      for (const command of ['push', 'pull']) {
        expect((await engine.docker(command, name)).stderr.trim()).toContain(
          `Get "https://${plain.host}/v2/": http: server gave HTTP response to HTTPS client`,
        );
      }
      await trusting.dockerOk('tag', 'busybox', name);
      await trusting.dockerOk('push', name);
      await trusting.dockerOk('rmi', name);
      await trusting.dockerOk('pull', name);
      expect(await trusting.dockerOk('info', '-f', '{{json .RegistryConfig.IndexConfigs}}')).toContain(
        `"${plain.host}":{"Name":"${plain.host}","Mirrors":[],"Secure":false,"Official":false}`,
      );
    } finally {
      await trusting.stop();
      await plain.stop();
    }
  });

  const idOf = (image: string) => engine.dockerOk('image', 'inspect', '-f', '{{.Id}}', image);

  describe.skipIf(missingCommands('skopeo').length > 0)('with skopeo', () => {
    const skopeo = (...args: string[]): string => network.run('skopeo', ...args);
    const target = (name: string): string => `docker://${registry.host}/${name}`;
    const access = (prefix = ''): string[] => [
      `--${prefix}creds=${USER}:${PASSWORD}`,
      `--${prefix}cert-dir=${path.join(certsDirectory, registry.host)}`,
    ];
    const digestOf = (name: string): string =>
      (JSON.parse(skopeo('inspect', ...access(), target(name))) as { Digest: string }).Digest;

    test.each(['oci', 'v2s2'])(
      'a %s image of skopeo’s is pulled with its digest, and pushed on unchanged',
      async (format) => {
        const name = `skopeo/${format}`;
        skopeo(
          'copy',
          '-q',
          '--format',
          format,
          ...access('dest-'),
          `docker-archive:${BUSYBOX}`,
          target(name),
        );
        const digest = digestOf(name);
        expect(await engine.dockerOk('pull', `${registry.host}/${name}`)).toContain(`Digest: ${digest}`);
        await engine.dockerOk('tag', `${registry.host}/${name}`, `${registry.host}/again/${format}`);
        await engine.dockerOk('push', `${registry.host}/again/${format}`);
        expect(digestOf(`again/${format}`)).toBe(digest);
      },
    );

    test('a zstd layer is pulled', async () => {
      const file = path.join(directory, 'layer');
      writeFileSync(file, randomBytes(100_000));
      // A layer of its own: skopeo remembers how it has compressed others.
      await engine.dockerOk('create', '--name', 'changed', 'busybox', 'true');
      await engine.dockerOk('cp', file, 'changed:/layer');
      await engine.dockerOk('commit', 'changed', 'changed');
      await engine.dockerOk('save', '-o', `${file}.tar`, 'changed');
      const how = ['--format=oci', '--dest-compress-format=zstd', '--dest-compress-level=1'];
      skopeo('copy', '-q', ...how, ...access('dest-'), `docker-archive:${file}.tar`, target('fresh/zstd'));
      expect(skopeo('inspect', '--raw', ...access(), target('fresh/zstd'))).toContain('tar+zstd');
      await engine.dockerOk('rm', 'changed');
      await engine.dockerOk('rmi', 'changed');
      await engine.dockerOk('pull', `${registry.host}/fresh/zstd`);
      const size = await engine.dockerOk(
        'run',
        '--rm',
        '--network=none',
        `${registry.host}/fresh/zstd`,
        'wc',
        '-c',
        '/layer',
      );
      expect(size).toContain('100000');
    });
  });

  describe.skipIf(missingCommands('podman').length > 0)('with podman', () => {
    test('an image that was pushed here has the same id and digest there', async () => {
      const name = `${registry.host}/team/tools:1`;
      const storage = [
        '--root',
        path.join(directory, 'podman'),
        '--runroot',
        path.join(directory, 'podman-run'),
      ];
      const podman = (...args: string[]): string =>
        network.run('podman', ...storage, '--storage-driver', 'vfs', ...args);
      podman(
        'pull',
        '-q',
        '--creds',
        `${USER}:${PASSWORD}`,
        '--cert-dir',
        path.join(certsDirectory, registry.host),
        name,
      );
      const [{ Id, RepoDigests }] = JSON.parse(podman('image', 'inspect', name)) as [
        { Id: string; RepoDigests: string[] },
      ];
      expect(`sha256:${Id}`).toBe(await idOf(name));
      const ours = JSON.parse(
        await engine.dockerOk('image', 'inspect', '-f', '{{json .RepoDigests}}', name),
      ) as string[];
      expect(RepoDigests).toEqual(
        expect.arrayContaining(ours.filter((digest) => digest.startsWith(`${registry.host}/team/tools@`))),
      );
      podman('rmi', '-a', '-f');
    });
  });

  describe.skipIf(missingCommands('dockerd').length > 0)('with dockerd', () => {
    test('ids and digests agree in both directions', async () => {
      const dockerd = await startDockerd({
        network,
        directory: path.join(directory, 'dockerd'),
        flags: ['--insecure-registry', registry.host],
      });
      try {
        await dockerd.dockerWithInput(PASSWORD, 'login', '-u', USER, '--password-stdin', registry.host);
        const name = `${registry.host}/team/tools:1`;
        const pulled = await dockerd.dockerOk('pull', name);
        const [, digest = ''] = /Digest: (\S+)/.exec(pulled) ?? [];
        const ours = await engine.dockerOk('image', 'inspect', '-f', '{{.RepoDigests}}', name);
        expect(ours).toContain(`${registry.host}/team/tools@${digest}`);
        expect(await dockerd.dockerOk('image', 'inspect', '-f', '{{.Id}}', name)).toBe(await idOf(name));
        const other = `${registry.host}/dockerd/tools:1`;
        await dockerd.dockerOk('tag', name, other);
        const pushed = await dockerd.dockerOk('push', other);
        const [, theirs = ''] = /digest: (\S+)/.exec(pushed) ?? [];
        expect(await engine.dockerOk('pull', other)).toContain(`Digest: ${theirs}`);
        expect(await idOf(other)).toBe(await idOf(name));
      } finally {
        await dockerd.stop();
      }
    });
  });
});
