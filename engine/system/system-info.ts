import { readdir, readFile } from 'node:fs/promises';
import { VERSION } from '../lib/version.ts';
import type { CgroupDriver, CgroupFeatures } from '../runtime/cgroup.ts';
import { isRootless } from '../lib/user-namespace.ts';
import { filesystemOf, readHost } from './host.ts';

/** What the other domains and the command line contribute to `GET /info`. */
export interface InfoSources {
  engineId: string;
  dataRoot: string;
  /** What this engine lacks because it is an ordinary user's. */
  rootlessWarnings: string[];
  runtimes: Record<string, { path: string }>;
  defaultRuntime: string;
  cgroups: Pick<CgroupDriver, 'name' | 'version' | 'features'>;
  debug: boolean;
  /** Where devices of the Container Device Interface are described. */
  deviceDirectories: readonly string[];
  /** Containers have user namespaces of their own. */
  remapped: boolean;
  insecureRegistries: string[];
  registryMirrors: string[];
  proxies: { http: string; https: string; none: string };
  containerCounts(): { running: number; paused: number; stopped: number };
  logDrivers: readonly string[];
  defaultLogDriver: string;
  imageCount(): number;
  eventListeners(): number;
}

/** `GET /info` of the Docker Engine API. Fields of features that Gantry lacks are empty, as Docker leaves them. */
export async function readSystemInfo(sources: InfoSources): Promise<object> {
  const { running, paused, stopped } = sources.containerCounts();
  const features = sources.cgroups.features();
  const [host, filesystem, descriptors, forwarding] = await Promise.all([
    readHost(),
    filesystemOf(sources.dataRoot),
    readdir('/proc/self/fd'),
    readFile('/proc/sys/net/ipv4/ip_forward', 'utf8'),
  ]);
  return {
    ID: sources.engineId,
    Containers: running + paused + stopped,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: stopped,
    Images: sources.imageCount(),
    Driver: 'overlay2',
    DriverStatus: [
      ['Backing Filesystem', filesystem],
      ['userxattr', String(isRootless())],
    ],
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null', 'overlay'],
      Authorization: null,
      Log: sources.logDrivers,
    },
    MemoryLimit: features.memoryLimit,
    SwapLimit: features.swapLimit,
    CpuCfsPeriod: features.cpuQuota,
    CpuCfsQuota: features.cpuQuota,
    CPUShares: features.cpuShares,
    CPUSet: features.cpuset,
    PidsLimit: features.pidsLimit,
    OomKillDisable: features.oomKillDisable,
    IPv4Forwarding: forwarding.trim() === '1',
    Debug: sources.debug,
    NFd: descriptors.length,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: sources.defaultLogDriver,
    CgroupDriver: sources.cgroups.name,
    CgroupVersion: String(sources.cgroups.version),
    NEventsListener: sources.eventListeners(),
    KernelVersion: host.kernelVersion,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: 'linux',
    Architecture: host.architecture,
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(sources),
    NCPU: host.cpus,
    MemTotal: host.memoryBytes,
    GenericResources: null,
    DockerRootDir: sources.dataRoot,
    HttpProxy: sources.proxies.http,
    HttpsProxy: sources.proxies.https,
    NoProxy: sources.proxies.none,
    Name: host.name,
    Labels: [],
    ExperimentalBuild: false,
    ServerVersion: VERSION,
    Runtimes: sources.runtimes,
    DefaultRuntime: sources.defaultRuntime,
    Swarm: {
      NodeID: '',
      NodeAddr: '',
      LocalNodeState: 'inactive',
      ControlAvailable: false,
      Error: '',
      RemoteManagers: null,
    },
    LiveRestoreEnabled: true,
    Isolation: '',
    InitBinary: 'gantry-shim',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: '' },
    InitCommit: { ID: '' },
    SecurityOptions: [
      'name=seccomp,profile=builtin',
      'name=cgroupns',
      ...(sources.remapped ? ['name=userns'] : []),
      ...(isRootless() ? ['name=rootless'] : []),
    ],
    CDISpecDirs: sources.deviceDirectories,
    Warnings: [
      ...sources.rootlessWarnings,
      ...warningsFor(features, sources.cgroups.version),
      ...(forwarding.trim() === '1' ? [] : ['WARNING: IPv4 forwarding is disabled']),
    ],
  };
}

function registryConfig({ insecureRegistries, registryMirrors }: InfoSources): object {
  const index = (name: string, secure: boolean, official: boolean): object => ({
    Name: name,
    Mirrors: official ? registryMirrors : [],
    Secure: secure,
    Official: official,
  });
  return {
    IndexConfigs: {
      'docker.io': index('docker.io', true, true),
      ...Object.fromEntries(insecureRegistries.map((name) => [name, index(name, false, false)])),
    },
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
    Mirrors: registryMirrors,
  };
}

/** Docker's texts. */
function warningsFor(features: CgroupFeatures, version: 1 | 2): string[] {
  const throttles =
    version === 2
      ? ['rbps', 'wbps', 'riops', 'wiops'].map((key) => `io.max (${key})`)
      : ['read_bps', 'write_bps', 'read_iops', 'write_iops'].map((key) => `blkio throttle.${key}_device`);
  const missing: [boolean, string][] = [
    [features.memoryLimit, 'memory limit'],
    [features.swapLimit, 'swap limit'],
    // What no kernel of a version has is nothing that a user could change: without a warning.
    [features.oomKillDisable || version === 2, 'oom kill disable'],
    [features.cpuQuota, 'cpu cfs quota'],
    [features.cpuQuota, 'cpu cfs period'],
    [features.cpuShares, 'cpu shares'],
    [features.cpuset, 'cpuset'],
    [features.pidsLimit, 'pids limit'],
    [features.blkioWeight || version === 1, 'io.weight'],
    [features.blkioWeightDevice || version === 1, 'io.weight (per device)'],
    ...throttles.map((name): [boolean, string] => [features.blkioThrottle, name]),
  ];
  return missing.filter(([supported]) => !supported).map(([, name]) => `WARNING: No ${name} support`);
}
