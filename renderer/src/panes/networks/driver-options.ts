/** Drivers that a network can be created with; an engine that lacks one says so. */
export const drivers = ['bridge', 'macvlan', 'ipvlan', 'overlay'] as const;
export type Driver = (typeof drivers)[number];

/** How the links of a stacked network behave; the first is the engine's own choice. */
export const modes: Record<Driver, readonly string[]> = {
  bridge: [],
  macvlan: ['bridge', 'private', 'vepa', 'passthru'],
  ipvlan: ['l2', 'l3', 'l3s'],
  overlay: [],
};

export const isStacked = (driver: Driver): boolean => modes[driver].length > 0;

export const mtuKey = 'com.docker.network.driver.mtu';
const yesOrNo = ['true', 'false'];
const gatewayModes = ['nat', 'nat-unprotected', 'routed', 'isolated'];

/** Known keys with the values that they take; [] for free text. What the form has a field for is not among them. */
const keys: Record<Driver, Record<string, readonly string[]>> = {
  bridge: {
    'com.docker.network.bridge.name': [],
    'com.docker.network.bridge.enable_icc': yesOrNo,
    'com.docker.network.bridge.enable_ip_masquerade': yesOrNo,
    'com.docker.network.bridge.gateway_mode_ipv4': gatewayModes,
    'com.docker.network.bridge.gateway_mode_ipv6': gatewayModes,
    'com.docker.network.bridge.host_binding_ipv4': ['0.0.0.0', '127.0.0.1'],
    'com.docker.network.bridge.inhibit_ipv4': yesOrNo,
    'com.docker.network.bridge.trusted_host_interfaces': [],
    'com.docker.network.container_iface_prefix': [],
    'com.docker.network.host_ipv4': [],
    'com.docker.network.host_ipv6': [],
  },
  macvlan: {},
  ipvlan: { ipvlan_flag: ['bridge', 'private', 'vepa'] },
  overlay: { encrypted: [], 'com.docker.network.driver.overlay.vxlanid_list': [] },
};

export const knownOptions = (driver: Driver): string[] => Object.keys(keys[driver]);
export const knownValues = (driver: Driver, key: string): readonly string[] => keys[driver][key] ?? [];

/** What an endpoint can be given when a container is connected. */
export const endpointOptions = ['com.docker.network.endpoint.ifname', 'com.docker.network.endpoint.sysctls'];
