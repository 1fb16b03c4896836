// Makes build/starter/busybox.tar: a `docker save` archive of busybox:latest from Debian's busybox-static, without
// docker and without a registry. The same busybox gives the same bytes, hence the same image ID.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const target = path.join(root, 'build/starter/busybox.tar');
const busyboxFile = '/bin/busybox';
/** A fixed time: the content decides about the image's ID, not the moment of the build. */
const MTIME = Date.UTC(2026, 0, 1) / 1000;
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64', arm: 'arm', ia32: '386' };

function tarHeader({ name, mode, size, type, link = '' }) {
  if (name.length > 100 || link.length > 100) throw new Error(`name too long for ustar: ${name}`);
  const header = Buffer.alloc(512);
  const octal = (value, offset, length) =>
    header.write(value.toString(8).padStart(length - 1, '0') + '\0', offset, 'latin1');
  header.write(name, 0, 'latin1');
  octal(mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(MTIME, 136, 12);
  header.write('        ', 148, 'latin1');
  header.write(type, 156, 'latin1');
  header.write(link, 157, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function tar(entries) {
  const blocks = entries.flatMap(({ content = Buffer.alloc(0), ...entry }) => [
    tarHeader({ ...entry, size: content.length }),
    content,
    Buffer.alloc(-content.length & 511),
  ]);
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

const directory = (name, mode = 0o755) => ({ name: `${name}/`, mode, type: '5' });
const file = (name, content, mode = 0o644) => ({ name, mode, type: '0', content: Buffer.from(content) });
const symlink = (name, link) => ({ name, mode: 0o777, type: '2', link });

/** Applets as links beside the binary, the accounts Debian's base-passwd has numbers for, and an empty tree. */
function layerEntries(busybox, applets) {
  const accounts = [
    ['root', 0, '/root', '/bin/sh'],
    ['daemon', 1, '/usr/sbin', '/bin/false'],
    ['bin', 2, '/bin', '/bin/false'],
    ['sys', 3, '/dev', '/bin/false'],
    ['mail', 8, '/var/mail', '/bin/false'],
    ['www-data', 33, '/var/www', '/bin/false'],
    ['nobody', 65534, '/nonexistent', '/bin/false'],
  ];
  const passwd = accounts.map(
    ([name, id, home, shell]) => `${name}:x:${id}:${id}:${name}:${home}:${shell}\n`,
  );
  const groups = accounts.map(([name, id]) => `${name === 'nobody' ? 'nogroup' : name}:x:${id}:\n`);
  return [
    directory('bin'),
    file('bin/busybox', busybox, 0o755),
    ...applets.map((name) => symlink(`bin/${name}`, 'busybox')),
    directory('dev'),
    directory('etc'),
    file('etc/group', groups.join('')),
    file('etc/passwd', passwd.join('')),
    directory('home'),
    directory('proc'),
    directory('root', 0o700),
    directory('sys'),
    directory('tmp', 0o1777),
    directory('usr'),
    symlink('usr/bin', '../bin'),
    symlink('usr/sbin', '../bin'),
    symlink('sbin', 'bin'),
    directory('var'),
    directory('var/log'),
    directory('var/tmp', 0o1777),
    directory('var/www'),
  ];
}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

function buildArchive(busybox, applets) {
  const layer = tar(layerEntries(busybox, applets));
  const created = new Date(MTIME * 1000).toISOString();
  const environment = ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'];
  const config = JSON.stringify({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: 'linux',
    created,
    config: { Env: environment, Cmd: ['sh'], WorkingDir: '/' },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sha256(layer)}`] },
    history: [
      { created, created_by: "ADD Debian's busybox-static to /bin" },
      { created, created_by: 'CMD ["sh"]', empty_layer: true },
    ],
  });
  const configName = `${sha256(config)}.json`;
  const layerName = `${sha256(layer)}/layer.tar`;
  const manifest = [{ Config: configName, RepoTags: ['busybox:latest'], Layers: [layerName] }];
  return tar([
    file(configName, config),
    file(layerName, layer),
    file('manifest.json', JSON.stringify(manifest)),
  ]);
}

const applets = execFileSync(busyboxFile, ['--list'], { encoding: 'utf8' })
  .split('\n')
  .filter((name) => /^[\w[.+-]+$/.test(name) && name !== 'busybox')
  .sort();
mkdirSync(path.dirname(target), { recursive: true });
writeFileSync(`${target}.tmp`, buildArchive(readFileSync(busyboxFile), applets));
renameSync(`${target}.tmp`, target);
