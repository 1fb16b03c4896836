import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const LINKS = '/sys/class/net';

export interface HostInterface {
  name: string;
  up: boolean;
  mac: string;
}

/** Links that macvlan and ipvlan can be stacked on: neither loopback, nor links of containers, nor of the engine. */
export function parentCandidates(ours: ReadonlySet<string>): HostInterface[] {
  return namesOf()
    .filter((name) => name !== 'lo' && !ours.has(name) && !isOfContainer(name))
    .map((name) => ({ name, up: attribute(name, 'operstate') !== 'down', mac: attribute(name, 'address') }));
}

function namesOf(): string[] {
  try {
    return readdirSync(LINKS);
  } catch {
    return [];
  }
}

/** The host's end of a veth, by our names and Docker's. */
const isOfContainer = (name: string): boolean => /^(gv[0-9a-f]{12}|veth[0-9a-f]+)$/.test(name);

function attribute(name: string, file: string): string {
  try {
    return readFileSync(path.join(LINKS, name, file), 'utf8').trim();
  } catch {
    return '';
  }
}
