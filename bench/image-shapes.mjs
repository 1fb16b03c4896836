// The images that are measured, as `docker save` archives, made on the spot and kept in /var/tmp.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = '/var/tmp/gantry-bench-images';
const BLOCK = 512;

/** What of this machine becomes the layers of `big` above Debian: thousands of small files, and some large ones. */
const BIG_LAYERS = [
  ['usr/include', 'usr/lib/python3'],
  ['usr/share/doc', 'usr/share/man', 'usr/share/locale', 'usr/share/perl'],
  ['usr/share/icons', 'usr/share/fonts', 'usr/lib/python3.11'],
];

/** The archives that can be made here: name → { file, layers, bytes, entries }. */
export async function makeShapes(names) {
  mkdirSync(CACHE, { recursive: true });
  const makers = { busybox: makeBusybox, debian: makeDebian, big: makeBig, fanout: makeFanout };
  const shapes = [];
  for (const name of names) {
    const file = path.join(CACHE, `${name}.tar`);
    const description = `${file}.json`;
    if (!existsSync(description)) {
      console.log(`making the image ${name} in ${CACHE}`);
      const layers = makers[name]();
      const shape = await writeArchive(file, `bench/${name}:1`, layers);
      writeFileSync(description, JSON.stringify({ name, file, ...shape }));
    }
    shapes.push(JSON.parse(readFileSync(description, 'utf8')));
  }
  return shapes;
}

function makeBusybox() {
  return [unpackStarter()];
}

/** The one layer of the starter image. */
function unpackStarter() {
  const layer = path.join(CACHE, 'busybox-layer.tar');
  const archive = path.join(root, 'build/starter/busybox.tar');
  const [{ Layers }] = JSON.parse(run('tar', ['-xOf', archive, 'manifest.json']).toString());
  writeFileSync(layer, run('tar', ['-xOf', archive, Layers[0]]));
  return layer;
}

function makeDebian() {
  const layer = path.join(CACHE, 'debian-layer.tar');
  if (existsSync(layer)) return [layer];
  run('mmdebstrap', ['--quiet', '--variant=minbase', 'bookworm', `${layer}.tmp.tar`]);
  renameSync(`${layer}.tmp.tar`, layer);
  return [layer];
}

function makeBig() {
  const layers = [...makeDebian()];
  for (const [index, names] of BIG_LAYERS.entries()) {
    const present = names.filter((name) => existsSync(path.join('/', name)));
    layers.push(tarOf(`big-${index}`, '/', present));
  }
  layers.push(tarOf('big-modules', root, ['node_modules']));
  const hidden = path.join(CACHE, 'whiteouts');
  mkdirSync(path.join(hidden, 'usr/share/doc'), { recursive: true });
  for (const name of ['bash', 'base-files', 'coreutils'])
    writeFileSync(path.join(hidden, 'usr/share/doc', `.wh.${name}`), '');
  layers.push(tarOf('big-whiteouts', hidden, ['usr']));
  rmSync(hidden, { recursive: true });
  return layers;
}

function makeFanout() {
  const layers = [unpackStarter()];
  const directory = path.join(CACHE, 'fanout');
  for (let number = 0; number < 40; number++) {
    mkdirSync(path.join(directory, 'layers'), { recursive: true });
    writeFileSync(path.join(directory, 'layers', String(number)), `${number}\n`.repeat(100));
    layers.push(tarOf(`fanout-${number}`, directory, ['layers']));
    rmSync(directory, { recursive: true });
  }
  return layers;
}

function tarOf(name, directory, names) {
  const file = path.join(CACHE, `${name}-layer.tar`);
  // Files that change or go meanwhile are no matter: what counts is their number and size.
  const made = spawnSync('tar', ['--format=pax', '-C', directory, '-cf', file, ...names]);
  if (made.status > 1) throw new Error(`tar: ${String(made.stderr)}`);
  return file;
}

function run(program, args) {
  const result = spawnSync(program, args, { maxBuffer: 1 << 30, stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0) throw new Error(`${program}: ${result.error?.message ?? String(result.stderr)}`);
  return result.stdout;
}

async function digestOf(file) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  return hash.digest('hex');
}

async function writeArchive(file, tag, layers) {
  const digests = [];
  for (const layer of layers) digests.push(await digestOf(layer));
  const config = JSON.stringify({
    architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
    os: 'linux',
    created: '2024-01-01T00:00:00Z',
    config: { Cmd: ['/bin/sh'] },
    rootfs: { type: 'layers', diff_ids: digests.map((digest) => `sha256:${digest}`) },
    history: digests.map(() => ({ created_by: 'bench' })),
  });
  const configName = `${createHash('sha256').update(config).digest('hex')}.json`;
  const manifest = [
    { Config: configName, RepoTags: [tag], Layers: digests.map((digest) => `${digest}/layer.tar`) },
  ];
  const output = openSync(`${file}.tmp`, 'w');
  const shape = { tag, layers: layers.length, bytes: 0, entries: 0, layerFiles: layers };
  for (const [index, layer] of layers.entries()) {
    const { size } = statSync(layer);
    writeSync(output, header(`${digests[index]}/layer.tar`, size));
    for await (const chunk of createReadStream(layer, { highWaterMark: 1 << 20 })) writeSync(output, chunk);
    writeSync(output, Buffer.alloc(-size & (BLOCK - 1)));
    shape.bytes += size;
    shape.entries += Number(run('sh', ['-c', `tar -tf "$0" | wc -l`, layer]).toString());
  }
  for (const [name, text] of [
    [configName, config],
    ['manifest.json', JSON.stringify(manifest)],
  ]) {
    writeSync(output, header(name, text.length));
    writeSync(output, Buffer.concat([Buffer.from(text), Buffer.alloc(-text.length & (BLOCK - 1))]));
  }
  writeSync(output, Buffer.alloc(2 * BLOCK));
  closeSync(output);
  renameSync(`${file}.tmp`, file);
  return shape;
}

function header(name, size) {
  const block = Buffer.alloc(BLOCK);
  const octal = (value, offset, length) =>
    block.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1');
  block.write(name);
  octal(0o644, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(0, 136, 12);
  block.fill(' ', 148, 156);
  block.write('0', 156);
  block.write('ustar\u000000', 257, 'latin1');
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}
