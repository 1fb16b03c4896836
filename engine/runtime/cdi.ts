import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { errnoOf, invalidArgument, messageOf } from '../lib/errors.ts';
import { isObject, isText, listOf } from '../lib/field-types.ts';

/** Where vendors describe their devices; a file of a later directory wins (Container Device Interface, SPEC.md). */
export const CDI_DIRECTORIES = ['/etc/cdi', '/var/run/cdi'] as const;

/** What a device adds to a container. */
export interface ContainerEdits {
  env: string[];
  deviceNodes: { path: string; hostPath: string; permissions: string }[];
  mounts: { hostPath: string; containerPath: string; options: string[] }[];
  additionalGroups: string[];
}

/**
 * The edits of devices by their full names, `vendor.com/class=device`, those of the whole file once. Throws
 * invalid-argument with Docker's text, and for hooks: nothing of a specification is run on the host.
 */
export function resolveCdiDevices(
  names: readonly string[],
  directories: readonly string[] = CDI_DIRECTORIES,
): ContainerEdits {
  const edits: ContainerEdits = { env: [], deviceNodes: [], mounts: [], additionalGroups: [] };
  if (names.length === 0) return edits;
  const files = directories.flatMap(readDirectory);
  const missing: string[] = [];
  const used = new Set<unknown>();
  for (const name of names) {
    const [kind, device] = [name.slice(0, name.indexOf('=')), name.slice(name.indexOf('=') + 1)];
    const found = files
      .filter((file) => file['kind'] === kind)
      .flatMap((file) => objects(file['devices']).map((entry) => ({ file, entry })))
      .findLast(({ entry }) => entry['name'] === device);
    if (!found) {
      missing.push(name);
      continue;
    }
    addEdits(edits, found.entry['containerEdits'], name);
    if (!used.has(found.file)) addEdits(edits, found.file['containerEdits'], name);
    used.add(found.file);
  }
  if (missing.length > 0) throw failed(`unresolvable CDI devices ${missing.join(', ')}`);
  return edits;
}

type Json = Record<string, unknown>;

/** Files that are no specifications are passed over, as Docker does with a line in its log. */
function readDirectory(directory: string): Json[] {
  let names: string[];
  try {
    names = readdirSync(directory).toSorted();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw failed(messageOf(error));
  }
  return names
    .filter((name) => /\.(?:json|ya?ml)$/.test(name))
    .flatMap((name) => {
      try {
        const specification: unknown = parse(readFileSync(path.join(directory, name), 'utf8'));
        return isObject(specification) ? [specification] : [];
      } catch {
        return [];
      }
    });
}

const objects = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const texts = (value: unknown): string[] => (listOf(value, isText) ? (value as string[]) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function addEdits(edits: ContainerEdits, from: unknown, name: string): void {
  if (!isObject(from)) return;
  // SECURITY: 2026-53488 and its class: data of others never chooses what the host runs.
  if (objects(from['hooks']).length > 0) throw failed(`hooks of ${name} are not supported`);
  edits.env.push(...texts(from['env']));
  for (const node of objects(from['deviceNodes'])) {
    const target = textOf(node['path']);
    edits.deviceNodes.push({
      path: target,
      hostPath: textOf(node['hostPath']) || target,
      permissions: textOf(node['permissions']) || 'rwm',
    });
  }
  for (const mount of objects(from['mounts'])) {
    edits.mounts.push({
      hostPath: textOf(mount['hostPath']),
      containerPath: textOf(mount['containerPath']),
      options: texts(mount['options']),
    });
  }
  const groups = Array.isArray(from['additionalGids']) ? from['additionalGids'] : [];
  edits.additionalGroups.push(...groups.filter((gid) => gid !== 0).map(String));
}

const failed = (reason: string) => invalidArgument(`CDI device injection failed: ${reason}`);
