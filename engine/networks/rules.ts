/** What the rule set of one engine says about one bridge. */
export interface BridgeRules {
  linkName: string;
  /** CIDR notation. */
  subnet: string;
  /** No way out and none in. */
  internal: boolean;
  /** Containers on this bridge may talk to each other. */
  icc: boolean;
  masquerade: boolean;
}

export interface PortRule {
  protocol: 'tcp' | 'udp';
  /** `0.0.0.0`: every address of the host. */
  hostIp: string;
  hostPort: number;
  containerIp: string;
  containerPort: number;
}

/** One nftables table (family ip) holds everything of one engine, so removing it leaves nothing behind. */
export function tableName(bridgeName: string): string {
  return `gantry_${bridgeName}`;
}

/** `nft -f` input that replaces the engine's table in one transaction: no packet ever meets half a rule set. */
export function ruleSet(table: string, bridges: readonly BridgeRules[], ports: readonly PortRule[]): string {
  return `${removeTable(table)}table ip ${table} {
${chain('guard', 'type filter hook prerouting priority raw', guardRules())}
${chain('published', undefined, publishedRules(ports))}
${chain('prerouting', 'type nat hook prerouting priority dstnat', ['fib daddr type local jump published'])}
${chain('output', 'type nat hook output priority -100', ['fib daddr type local jump published'])}
${chain('postrouting', 'type nat hook postrouting priority srcnat', bridges.flatMap(sourceRules))}
${chain('forward', 'type filter hook forward priority filter', bridges.flatMap(forwardRules))}
}
`;
}

/** Valid whether or not the table exists (`delete table` alone fails on a missing one). */
export function removeTable(table: string): string {
  return `table ip ${table} { }\ndelete table ip ${table}\n`;
}

function chain(name: string, hook: string | undefined, rules: readonly string[]): string {
  const head = hook === undefined ? [] : [`${hook}; policy accept;`];
  return `  chain ${name} {\n${[...head, ...rules].map((line) => `    ${line}\n`).join('')}  }`;
}

/**
 * SECURITY: CVE-2020-8558 class. Destination NAT happens before the kernel drops martians, so a neighbour on the
 * link (or a container, where route_localnet is on) could otherwise reach what is bound to or published on
 * 127.0.0.1. Replies to our own loopback traffic are still addressed to the bridge at this hook.
 */
function guardRules(): string[] {
  return ['iifname != "lo" ip daddr 127.0.0.0/8 drop'];
}

function publishedRules(ports: readonly PortRule[]): string[] {
  return ports.map((port) => {
    const address = port.hostIp === '0.0.0.0' ? '' : `ip daddr ${port.hostIp} `;
    const target = `${port.containerIp}:${port.containerPort}`;
    return `${address}${port.protocol} dport ${port.hostPort} dnat to ${target}`;
  });
}

function sourceRules(bridge: BridgeRules): string[] {
  const name = JSON.stringify(bridge.linkName);
  const rules = [
    // The host through 127.0.0.1, and a container through a port published by its own network (else the answer
    // would go to it directly, from an address it never asked).
    `oifname ${name} ip saddr 127.0.0.0/8 masquerade`,
    `oifname ${name} ip saddr ${bridge.subnet} ct status dnat masquerade`,
  ];
  if (bridge.masquerade && !bridge.internal) {
    rules.push(`oifname != ${name} ip saddr ${bridge.subnet} masquerade`);
  }
  return rules;
}

/**
 * Into a bridge comes only what its containers asked for and what was published: not other bridges, not a neighbour
 * of the host that routes to the container's address. Traffic inside a bridge comes here under br_netfilter.
 */
function forwardRules(bridge: BridgeRules): string[] {
  const name = JSON.stringify(bridge.linkName);
  return [
    `iifname ${name} oifname ${name} ct status dnat accept`,
    `iifname ${name} oifname ${name} ${bridge.icc ? 'accept' : 'drop'}`,
    ...(bridge.internal ? [`iifname ${name} drop`, `oifname ${name} drop`] : []),
    `oifname ${name} ct state established,related accept`,
    `oifname ${name} ct status dnat accept`,
    `oifname ${name} drop`,
  ];
}
