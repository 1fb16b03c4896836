import { readFileSync } from 'node:fs';

/** One line of /proc/PID/{uid,gid}_map (user_namespaces(7)). */
interface IdRange {
  inside: number;
  outside: number;
  count: number;
}

const ALL_IDS = 2 ** 32 - 1;

export function parseIdMap(text: string): IdRange[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number);
      return { inside, outside, count };
    });
}

/** Whether the map is that of a user namespace below the host's, which alone maps every id to itself. */
export const isChildMap = (map: readonly IdRange[]): boolean =>
  !(map.length === 1 && map[0]?.inside === 0 && map[0].outside === 0 && map[0].count === ALL_IDS);

let rootless: boolean | undefined;

/** Whether this engine is an ordinary user's, inside a user namespace of its own. */
export function isRootless(): boolean {
  rootless ??= isChildMap(parseIdMap(readFileSync('/proc/self/uid_map', 'latin1')));
  return rootless;
}

/** Whether files can belong to the group here. */
export function isGroupMapped(gid: number): boolean {
  const map = parseIdMap(readFileSync('/proc/self/gid_map', 'latin1'));
  return map.some(({ inside, count }) => gid >= inside && gid < inside + count);
}
