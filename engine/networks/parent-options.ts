import { invalidArgument } from '../lib/errors.ts';
import type { ParentRecord } from './network-record.ts';

/** linux/if_link.h. */
const MACVLAN_MODES = { private: 1, vepa: 2, bridge: 4, passthru: 8 };
const IPVLAN_MODES = { l2: 0, l3: 1, l3s: 2 };

const HIGHEST_VLAN = 4094;
const KNOWN = ['parent', 'macvlan_mode', 'ipvlan_mode', 'ipvlan_flag', 'com.docker.network.driver.mtu'];

/** The options of a macvlan or ipvlan network, with Docker's texts. `linkName` is '' when no parent was named. */
export function parentOptions(
  driver: 'macvlan' | 'ipvlan',
  options: Record<string, string>,
): Omit<ParentRecord, 'made'> {
  const unknown = Object.keys(options).find(
    (key) => key.startsWith('com.docker.network.') && !KNOWN.includes(key),
  );
  if (unknown !== undefined) throw invalidArgument(`driver ${driver} has no option ${unknown}`);
  const linkName = options['parent'] ?? '';
  if (linkName === 'lo') throw invalidArgument(`loopback interface is not a valid ${driver} parent link`);
  if (linkName !== '' && !/^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,14}$/.test(linkName)) {
    throw invalidArgument(`invalid parent interface name: ${JSON.stringify(linkName)}`);
  }
  const modes: Record<string, number> = driver === 'macvlan' ? MACVLAN_MODES : IPVLAN_MODES;
  const preset = driver === 'macvlan' ? 'bridge' : 'l2';
  const wanted = options[`${driver}_mode`] || preset;
  const mode = Object.hasOwn(modes, wanted) ? modes[wanted] : undefined;
  if (mode === undefined) {
    throw invalidArgument(
      `requested ${driver} mode '${wanted}' is not valid, '${preset}' mode is the ${driver} driver default`,
    );
  }
  return { linkName, mode, exclusive: wanted === 'passthru' };
}

/** `eth0.10` is the VLAN 10 of eth0, to be made where it is missing. Throws for what is no such name. */
export function parseVlan(linkName: string): { link: string; id: number } {
  const [, link, id] = /^(.+)\.(\d+)$/.exec(linkName) ?? [];
  if (link === undefined) {
    throw invalidArgument(`invalid subinterface vlan name ${linkName}, example formatting is eth0.10`);
  }
  if (Number(id) < 1 || Number(id) > HIGHEST_VLAN) {
    throw invalidArgument(`vlan id must be between 1-4094, received: ${id}`);
  }
  return { link, id: Number(id) };
}
