import path from 'node:path';
import { parseArgs } from 'node:util';
import { defaultRoots } from './default-roots.ts';
import { invalidArgument, messageOf } from './lib/errors.ts';
import type { LayerLimits } from './images/layer-worker.ts';
import { LOG_LEVELS } from './lib/logger.ts';
import type { LogLevel } from './lib/logger.ts';
import type { DefaultPool } from './networks/host-subnets.ts';
import {
  parsePeerAddress,
  type OverlaySettings,
  type PeerAddress,
} from './networks/overlay/overlay-settings.ts';
import { parseSubnet } from './networks/subnet.ts';

/** Exit status for what the caller did wrong: flags, directories, a data root that is in use. */
export const EXIT_USAGE = 2;

const LAYER_FORMS = ['auto', 'image', 'directory'] as const;

export interface EngineOptions {
  dataRoot: string;
  runRoot: string;
  socketPath: string;
  /** Name of the default bridge's interface; undefined: the networks' own default. */
  bridge: string | undefined;
  /** CIDR of the default bridge. */
  defaultSubnet: string | undefined;
  /** Containers on the default bridge may talk to each other. */
  icc: boolean;
  /** Where networks get subnets that nobody asked for; empty: Docker's own. */
  defaultAddressPools: DefaultPool[];
  /** Let bridges past another firewall that drops what is forwarded. */
  opensForwarding: boolean;
  /** The engines that overlay networks reach; undefined: none. */
  overlay: OverlaySettings | undefined;
  cgroupParent: string;
  logLevel: LogLevel;
  /** Of containers that say nothing of their log. */
  log: { driver: string; options: Record<string, string> };
  insecureRegistries: string[];
  registryMirrors: string[];
  /** OCI runtimes beside those on PATH: name → path. */
  runtimes: ReadonlyMap<string, string>;
  /** undefined: the engine's own. */
  defaultRuntime: string | undefined;
  /** Certificates of registries in the manner of certs.d, before Docker's own directory. */
  certificateDirectory: string | undefined;
  /** How layers are kept (images/layer-form.ts). */
  layerForm: 'auto' | 'image' | 'directory';
  layerLimits: LayerLimits;
  /** Whose subordinate ids containers get: `default`, a user or `user:group`; undefined: the host's own. */
  usernsRemap: string | undefined;
  /** Image archive that is loaded into an empty store. */
  starterImage: string | undefined;
}

/** Inside its namespaces an ordinary user's engine is root, but there the flags are always given. */
const roots = defaultRoots(process.getuid?.() ?? 0, process.env);

export const USAGE = `usage: engine [OPTION...]
       engine fsck [--repair] [OPTION...]   checks the image store of a data root
  --data-root DIR              images, containers, volumes (default ${roots.dataRoot})
  --run-root DIR               sockets and state of what runs (default ${roots.runRoot})
  --socket PATH                API socket (default RUN-ROOT/gantry.sock)
  --bridge NAME                interface of the default bridge network
  --default-subnet CIDR        subnet of the default bridge network
  --icc true|false             whether containers on it may talk to each other but by --link (default true)
  --default-address-pool base=CIDR,size=BITS   subnets of other networks, may be repeated
  --open-forwarding            let bridges past a firewall of this host whose FORWARD policy is DROP
  --overlay-address ADDRESS[:PORT]   own IPv4 address for overlay networks (port 7950: TCP and UDP, with
                               encryption also ESP and the next UDP port)
  --overlay-peer ADDRESS[:PORT]      an engine that overlay networks reach, may be repeated
  --overlay-secret-file FILE   what all these engines know and nobody else, at least 16 bytes
  --cgroup-parent NAME         parent of all container cgroups (default gantry)
  --add-runtime NAME=PATH      OCI runtime for --runtime NAME, may be repeated (runc, crun, … on PATH are there)
  --default-runtime NAME       runtime of containers that name none (default gantry, the built-in one)
  --userns-remap USER[:GROUP]  user namespaces for containers, with subordinate ids of this user; default:
                               of dockremap
  --log-driver NAME            log driver of containers that name none (default json-file)
  --log-opt NAME=VALUE         its options, where the container gives none, may be repeated
  --starter-image PATH         image archive to load into an empty store
  --insecure-registry HOST:PORT   registry reached without TLS verification, may be repeated
  --registry-mirror URL        mirror of docker.io, may be repeated
  --certs-dir DIR              certificates of registries, HOST[:PORT]/*.crt, *.cert and *.key, looked
                               at before Docker's own (/etc/docker/certs.d)
  --layer-form FORM            how layers are kept: ${LAYER_FORMS.join(', ')} (default auto); with directory,
                               and on kernels that need it, images are extracted at the start
  --max-layer-size BYTES       of one uncompressed layer (default 1 TiB)
  --max-layer-ratio N          uncompressed to compressed size of a layer (default 200, from 4 GiB on)
  --log-level LEVEL            ${LOG_LEVELS.join(', ')} (default info)
  --help, --version
`;

/** Throws invalid-argument with one line that says what is wrong. */
export function parseCommandLine(argv: string[]): EngineOptions | 'help' | 'version' {
  const values = readFlags(argv);
  if (values.help) return 'help';
  if (values.version) return 'version';
  const logLevel = LOG_LEVELS.find((level) => level === (values['log-level'] ?? 'info'));
  if (!logLevel)
    throw invalidArgument(`--log-level: '${values['log-level']}' is none of ${LOG_LEVELS.join(', ')}`);
  const bridge = values.bridge;
  // IFNAMSIZ is 16 with the terminating zero.
  if (bridge !== undefined && !/^[a-zA-Z0-9][\w.-]{0,14}$/.test(bridge)) {
    throw invalidArgument(`--bridge: '${bridge}' is no interface name of at most 15 characters`);
  }
  const cgroupParent = values['cgroup-parent'] ?? 'gantry';
  if (!/^[a-zA-Z0-9][\w.-]*$/.test(cgroupParent)) {
    throw invalidArgument(`--cgroup-parent: '${cgroupParent}' is no plain name`);
  }
  const runRoot = path.resolve(values['run-root'] ?? roots.runRoot);
  return {
    dataRoot: path.resolve(values['data-root'] ?? roots.dataRoot),
    runRoot,
    socketPath: path.resolve(values.socket ?? path.join(runRoot, 'gantry.sock')),
    bridge,
    defaultSubnet: values['default-subnet'],
    icc: parseIcc(values.icc),
    defaultAddressPools: (values['default-address-pool'] ?? []).map(parseAddressPool),
    opensForwarding: values['open-forwarding'] ?? false,
    overlay: parseOverlay(
      values['overlay-address'],
      values['overlay-peer'] ?? [],
      values['overlay-secret-file'],
    ),
    cgroupParent,
    logLevel,
    log: {
      driver: values['log-driver'] ?? 'json-file',
      options: Object.fromEntries((values['log-opt'] ?? []).map(parseLogOption)),
    },
    insecureRegistries: values['insecure-registry'] ?? [],
    registryMirrors: values['registry-mirror'] ?? [],
    runtimes: new Map((values['add-runtime'] ?? []).map(parseRuntime)),
    defaultRuntime: values['default-runtime'],
    certificateDirectory: values['certs-dir'] && path.resolve(values['certs-dir']),
    layerForm: parseLayerForm(values['layer-form']),
    layerLimits: parseLayerLimits(values['max-layer-size'], values['max-layer-ratio']),
    usernsRemap: values['userns-remap'] || undefined,
    starterImage: values['starter-image'] && path.resolve(values['starter-image']),
  };
}

function parseLayerForm(text = 'auto'): EngineOptions['layerForm'] {
  const form = LAYER_FORMS.find((known) => known === text);
  if (!form) throw invalidArgument(`--layer-form: '${text}' is none of ${LAYER_FORMS.join(', ')}`);
  return form;
}

const DEFAULT_MAX_LAYER_BYTES = 2 ** 40;
/** Files of zeros compress by a thousand in honest layers, too: the ratio counts from here on. */
const RATIO_FROM_BYTES = 4 * 2 ** 30;
const DEFAULT_MAX_RATIO = 200;

function parseLayerLimits(size?: string, ratio?: string): LayerLimits {
  const positive = (flag: string, text: string | undefined, otherwise: number): number => {
    const value = text === undefined ? otherwise : Number(text);
    if (!Number.isSafeInteger(value) || value <= 0)
      throw invalidArgument(`${flag}: '${text}' is no positive number`);
    return value;
  };
  return {
    maxBytes: positive('--max-layer-size', size, DEFAULT_MAX_LAYER_BYTES),
    maxRatio: positive('--max-layer-ratio', ratio, DEFAULT_MAX_RATIO),
    ratioFromBytes: ratio === undefined ? RATIO_FROM_BYTES : 0,
  };
}

/** dockerd's `--log-opt name=value`. */
function parseLogOption(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw invalidArgument(`--log-opt: '${text}' is not of the form NAME=VALUE`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

/** dockerd's `--add-runtime name=path`. */
function parseRuntime(text: string): [string, string] {
  const [, name, command] = /^([a-zA-Z0-9][\w.-]*)=(.+)$/.exec(text) ?? [];
  if (name === undefined || command === undefined)
    throw invalidArgument(`--add-runtime: '${text}' is not of the form NAME=PATH`);
  if (name === 'gantry') throw invalidArgument("--add-runtime: 'gantry' is the built-in runtime");
  return [name, command];
}

/** As dockerd's flag. */
function parseAddressPool(text: string): DefaultPool {
  const [, cidr = '', size] = /^base=([^,]+),size=(\d{1,3})$/.exec(text) ?? [];
  const base = parseSubnet(cidr);
  const bits = base?.family === 6 ? 128 : 32;
  if (!base || Number(size) < base.prefixLength || Number(size) > bits - 2) {
    throw invalidArgument(`--default-address-pool: '${text}' is not like base=10.10.0.0/16,size=24`);
  }
  return { base, size: Number(size) };
}

/** As dockerd's flag. */
function parseIcc(text = 'true'): boolean {
  if (text !== 'true' && text !== 'false')
    throw invalidArgument(`--icc: '${text}' is neither true nor false`);
  return text === 'true';
}

function parseOverlay(
  address: string | undefined,
  peers: string[],
  secretFile: string | undefined,
): OverlaySettings | undefined {
  if (address === undefined && peers.length === 0 && secretFile === undefined) return undefined;
  if (address === undefined || peers.length === 0 || secretFile === undefined) {
    throw invalidArgument('--overlay-address, --overlay-peer and --overlay-secret-file belong together');
  }
  const parse = (flag: string, text: string): PeerAddress => {
    const parsed = parsePeerAddress(text);
    if (!parsed) throw invalidArgument(`${flag}: '${text}' is not like 192.0.2.1 or 192.0.2.1:7950`);
    return parsed;
  };
  const own = parse('--overlay-address', address);
  const others = new Map(
    peers.map((text) => parse('--overlay-peer', text)).map((peer) => [peer.address, peer]),
  );
  // All engines can be given the same list.
  others.delete(own.address);
  return { own, peers: [...others.values()], secretFile: path.resolve(secretFile) };
}

function readFlags(argv: string[]) {
  try {
    return parseArgs({
      args: argv,
      options: {
        'data-root': { type: 'string' },
        'run-root': { type: 'string' },
        socket: { type: 'string' },
        bridge: { type: 'string' },
        'default-subnet': { type: 'string' },
        'default-address-pool': { type: 'string', multiple: true },
        icc: { type: 'string' },
        'open-forwarding': { type: 'boolean' },
        'overlay-address': { type: 'string' },
        'overlay-peer': { type: 'string', multiple: true },
        'overlay-secret-file': { type: 'string' },
        'cgroup-parent': { type: 'string' },
        'add-runtime': { type: 'string', multiple: true },
        'default-runtime': { type: 'string' },
        'userns-remap': { type: 'string' },
        'starter-image': { type: 'string' },
        'log-driver': { type: 'string' },
        'log-opt': { type: 'string', multiple: true },
        'insecure-registry': { type: 'string', multiple: true },
        'registry-mirror': { type: 'string', multiple: true },
        'certs-dir': { type: 'string' },
        'layer-form': { type: 'string' },
        'max-layer-size': { type: 'string' },
        'max-layer-ratio': { type: 'string' },
        'log-level': { type: 'string' },
        help: { type: 'boolean' },
        version: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw invalidArgument(messageOf(error));
  }
}
