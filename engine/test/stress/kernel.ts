import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import type { TestEngine } from '../harness.ts';

/** What the engine says that there is. */
export interface Claim {
  /** All containers. */
  ids: Set<string>;
  /** Those with processes. */
  active: Set<string>;
  /** `hostPort:containerIp` of every published port. */
  ports: Set<string>;
  /** How many of them are on the bridge. */
  onBridge: number;
  /** Names of volumes. */
  volumes: Set<string>;
}

/** Where the kernel and the disk have more or less than is claimed, one line each. */
export function differences(engine: TestEngine, claim: Claim): string[] {
  const { dataRoot, runRoot } = engine;
  return [
    ...compare('record', new Set(list(path.join(dataRoot, 'containers'))), claim.ids),
    ...compare('run directory', new Set(list(path.join(runRoot, 'containers'))), claim.active),
    ...compare(
      'volume',
      new Set(list(path.join(dataRoot, 'volumes')).filter(isDirectoryOf(dataRoot))),
      claim.volumes,
    ),
    ...list(path.join(dataRoot, 'trash')).map((name) => `trash ${name}`),
    ...cgroupDifferences(engine, claim.active),
    ...compare('shim', shims(engine), claim.active),
    ...compare('port', portRules(engine.bridge), claim.ports),
    ...linkDifferences(engine, claim.onBridge),
    ...leakedMounts(engine.directory),
  ];
}

function compare(what: string, found: Set<string>, claimed: Set<string>): string[] {
  return [
    ...[...found].filter((name) => !claimed.has(name)).map((name) => `${what} ${name} is nobody's`),
    ...[...claimed].filter((name) => !found.has(name)).map((name) => `${what} ${name} is missing`),
  ];
}

const list = (directory: string): string[] => (existsSync(directory) ? readdirSync(directory) : []);

const isDirectoryOf =
  (dataRoot: string) =>
  (name: string): boolean =>
    existsSync(path.join(dataRoot, 'volumes', name, '.'));

function cgroupDifferences({ cgroupParent }: TestEngine, active: Set<string>): string[] {
  const root = '/sys/fs/cgroup';
  const hierarchies = existsSync(`${root}/cgroup.controllers`) ? [''] : readdirSync(root);
  return hierarchies
    .map((name) => path.join(root, name, cgroupParent))
    .filter((parent) => existsSync(parent))
    .flatMap((parent) => {
      const found = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory());
      return compare(`cgroup ${parent}`, new Set(found.map(({ name }) => name)), active);
    });
}

/** IDs of the containers whose shim lives: it holds its run directory open. */
function shims({ runRoot }: TestEngine): Set<string> {
  const prefix = path.join(runRoot, 'containers/');
  return new Set(
    readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && readText(`/proc/${pid}/cmdline`).startsWith('gantry-shim'))
      .flatMap((pid) => linksOf(`/proc/${pid}/fd`))
      .filter((target) => target.startsWith(prefix))
      .map((target) => target.slice(prefix.length, prefix.length + 64)),
  );
}

function linksOf(directory: string): string[] {
  try {
    return readdirSync(directory).map((name) => readlinkSync(path.join(directory, name)));
  } catch {
    return []; // the process is gone
  }
}

function portRules(bridge: string): Set<string> {
  const { stdout } = spawnSync('nft', ['list', 'table', 'inet', `gantry_${bridge}`], { encoding: 'utf8' });
  const elements = stdout.matchAll(/\. (\d+) : ([\d.]+) \. \d+/g);
  return new Set([...elements].map(([, port, address]) => `${port}:${address}`));
}

function linkDifferences({ bridge }: TestEngine, expected: number): string[] {
  const links = list(`/sys/class/net/${bridge}/brif`);
  return links.length === expected ? [] : [`links ${links.join(' ')} for ${expected} containers`];
}

function leakedMounts(directory: string): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(`${directory}/`))
    .map((line) => `mount ${line.split(' ')[4]}`);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
