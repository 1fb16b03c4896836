import { readFileSync } from 'node:fs';
import { invalidArgument, messageOf } from '../lib/errors.ts';

/** What an id inside of a container's user namespace is outside: 0 is `first`, and so on. */
export interface IdRange {
  first: number;
  count: number;
}

export interface IdMaps {
  uids: IdRange[];
  gids: IdRange[];
}

/** dockerd's own account, for `--userns-remap default`. */
const DEFAULT_ACCOUNT = 'dockremap';

interface Files {
  passwd: string;
  group: string;
  subuid: string;
  subgid: string;
}

const HOST_FILES: Files = {
  passwd: '/etc/passwd',
  group: '/etc/group',
  subuid: '/etc/subuid',
  subgid: '/etc/subgid',
};

/**
 * dockerd's `--userns-remap`: `default`, a user or `user:group`, by name or number. The ranges are those that
 * /etc/subuid and /etc/subgid give them (subuid(5)). Throws invalid-argument when they give none.
 */
export function readIdMaps(remap: string, files: Files = HOST_FILES): IdMaps {
  const [user = '', group] = remap === 'default' ? [DEFAULT_ACCOUNT] : remap.split(':');
  const uid = accountOf(user, files.passwd);
  const gid = group === undefined ? uid : accountOf(group, files.group);
  return { uids: rangesOf(uid, files.subuid), gids: rangesOf(gid, files.subgid) };
}

interface Account {
  name: string;
  id: string;
}

/** A name without an entry may still have subordinate ids. */
function accountOf(text: string, file: string): Account {
  const field = /^\d+$/.test(text) ? 2 : 0;
  const entry = linesOf(file).find((fields) => fields[field] === text);
  return { name: entry?.[0] ?? text, id: entry?.[2] ?? text };
}

function rangesOf({ name, id }: Account, file: string): IdRange[] {
  const ranges = linesOf(file)
    .filter(([owner]) => owner === name || owner === id)
    .map(([, first, count]) => ({ first: Number(first), count: Number(count) }))
    .filter(({ first, count }) => Number.isSafeInteger(first) && Number.isSafeInteger(count) && count > 0);
  if (ranges.length === 0)
    throw invalidArgument(`--userns-remap: no subordinate ids of "${name}" in ${file}`);
  return ranges;
}

function linesOf(file: string): string[][] {
  try {
    return readFileSync(file, 'latin1')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(':'));
  } catch (error) {
    throw invalidArgument(`--userns-remap: ${file}: ${messageOf(error)}`, { cause: error });
  }
}

/** For /proc/PID/uid_map: the ranges one after another, from 0 inside (user_namespaces(7)). */
export function mapText(ranges: readonly IdRange[]): string {
  let inside = 0;
  return ranges
    .map(({ first, count }) => {
      const line = `${inside} ${first} ${count}\n`;
      inside += count;
      return line;
    })
    .join('');
}

/** What `id` of a container is outside; undefined: nobody. */
export function outsideOf(id: number, ranges: readonly IdRange[]): number | undefined {
  let inside = 0;
  for (const { first, count } of ranges) {
    if (id < inside + count) return first + id - inside;
    inside += count;
  }
  return undefined;
}

/** Who a user and a group of a container are outside. Throws invalid-argument for nobody. */
export function toHostIds(uid: number, gid: number, { uids, gids }: IdMaps): { uid: number; gid: number } {
  const [user, group] = [outsideOf(uid, uids), outsideOf(gid, gids)];
  if (user === undefined || group === undefined)
    throw invalidArgument(`there is no ${uid}:${gid} in the user namespace`);
  return { uid: user, gid: group };
}
