// Installs what is missing and builds what is stale. `npm run setup`, and the first step of `npm start` and
// `npm test`. Seconds, and no network, when there is nothing to do. `--test` also prepares the tests.
//
// Runs before node_modules exists: only Node's own modules may be imported at the top.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DEBIAN_PACKAGES } from './debian-packages.mjs';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const isRoot = process.getuid?.() === 0;

/** Returns what could not be had, in words; an empty list is a complete set-up. */
export async function setup({ forTests = false } = {}) {
  const missing = [];
  requireNode();
  installNpmPackages();
  missing.push(...installDebianPackages(forTests));
  if (forTests) missing.push(...provideDockerCli());
  missing.push(...(await build()));
  return missing;
}

function requireNode() {
  if (Number(process.versions.node.split('.')[0]) >= 20) return;
  console.error(`Gantry needs Node 20 or newer, this is ${process.versions.node}`);
  process.exit(1);
}

function installNpmPackages() {
  const stamp = path.join(root, 'node_modules/.gantry-lock');
  const wanted = digestOf([path.join(root, 'package-lock.json')]);
  if (readText(stamp) === wanted) return;
  console.log('setup: installing npm packages (npm ci)');
  execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: root, stdio: 'inherit' });
  writeFileSync(stamp, wanted);
}

function installDebianPackages(forTests) {
  const wanted = DEBIAN_PACKAGES.filter((entry) => forTests || entry.purpose !== 'test');
  const absent = () => wanted.filter((entry) => !entry.probe.some((file) => existsSync(file)));
  if (absent().length === 0) return [];
  if (isRoot && existsSync('/usr/bin/apt-get')) {
    const names = absent().map((entry) => entry.name);
    console.log(`setup: installing Debian packages: ${names.join(' ')}`);
    const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env: environment, stdio: ['ignore', 'ignore', 'inherit'] };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], options);
  }
  const left = absent();
  if (left.length > 0) {
    const names = left.map((entry) => entry.name).join(' ');
    console.warn(`setup: missing Debian packages; as root: apt-get install ${names}`);
  }
  return left.map((entry) => `Debian package ${entry.name} (${entry.why})`);
}

/** The tests drive the engine with the real docker CLI: the one on PATH, else Debian's, unpacked without its daemon. */
function provideDockerCli() {
  const own = path.join(root, 'build/tools/docker');
  if (existsSync(own) || spawnSync('docker', ['--version'], { stdio: 'ignore' }).status === 0) return [];
  const work = path.join(root, 'build/tools/unpack');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  // Debian 13 has docker-cli; Debian 12 ships the CLI inside docker.io.
  for (const name of ['docker-cli', 'docker.io']) {
    const download = spawnSync('apt-get', ['download', '-qq', name], { cwd: work, stdio: 'ignore' });
    const file = readdirSync(work).find((entry) => entry.endsWith('.deb'));
    if (download.status !== 0 || file === undefined) continue;
    spawnSync('dpkg-deb', ['-x', file, 'tree'], { cwd: work, stdio: 'ignore' });
    const binary = path.join(work, 'tree/usr/bin/docker');
    if (existsSync(binary)) renameSync(binary, own);
    break;
  }
  rmSync(work, { recursive: true, force: true });
  if (existsSync(own)) return [];
  console.warn('setup: no docker CLI on PATH and none from Debian: the tests that use it will fail');
  return ['docker CLI (drives the engine in tests)'];
}

const TARGETS = [
  {
    name: 'native',
    inputs: ['engine/runtime/native'],
    needs: ['/usr/bin/make', '/usr/bin/cc', '/usr/include/stdio.h'],
  },
  { name: 'engine', inputs: ['engine', 'package-lock.json'] },
  { name: 'oci', inputs: ['engine', 'package-lock.json'] },
  { name: 'electron', inputs: ['electron', 'engine', 'package-lock.json'] },
  { name: 'renderer', inputs: ['renderer', 'electron/api', 'package-lock.json', 'vite.config.ts'] },
  { name: 'starter', inputs: ['scripts/starter-image.mjs'], needs: ['/bin/busybox'] },
];

async function build() {
  const missing = [];
  for (const target of TARGETS) {
    const lacking = (target.needs ?? []).filter((file) => !existsSync(file));
    if (lacking.length > 0) {
      missing.push(`build of ${target.name} (needs ${lacking.join(', ')})`);
      continue;
    }
    const stamp = path.join(root, `build/.stamp-${target.name}`);
    const inputs = ['scripts/build.mjs', ...target.inputs].map((entry) => path.join(root, entry));
    const wanted = digestOf(inputs);
    if (readText(stamp) === wanted) continue;
    console.log(`setup: building ${target.name}`);
    execFileSync(process.execPath, [path.join(root, 'scripts/build.mjs'), target.name], {
      cwd: root,
      stdio: 'inherit',
    });
    mkdirSync(path.dirname(stamp), { recursive: true });
    writeFileSync(stamp, wanted);
  }
  return missing;
}

/** sha256 over names and contents of files and trees, tests left out. */
function digestOf(inputs) {
  const hash = createHash('sha256');
  for (const input of inputs) addToDigest(hash, input);
  return hash.digest('hex');
}

function addToDigest(hash, file) {
  const entries = readDirectory(file);
  if (entries === undefined) {
    hash.update(`${path.relative(root, file)}\0`).update(readFileSync(file));
    return;
  }
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    if (entry.name === 'node_modules' || entry.name.includes('.test.')) continue;
    if (entry.isDirectory() || entry.isFile()) addToDigest(hash, path.join(file, entry.name));
  }
}

function readDirectory(directory) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function readText(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const missing = await setup({ forTests: process.argv.includes('--test') });
  console.log(missing.length === 0 ? 'setup: complete' : `setup: done, without:\n  ${missing.join('\n  ')}`);
}
