import type { FieldNames, NamesOf } from '../lib/field-names.ts';
import type {
  ContainerConfig,
  DeviceMapping,
  DeviceRequest,
  EndpointSettings,
  HealthConfig,
  HostConfig,
  MountRequest,
  NetworkingConfig,
  PortBinding,
  RestartPolicy,
  ThrottleDevice,
  Ulimit,
  WeightDevice,
} from './container.ts';

const mapOf = (names: FieldNames): FieldNames => ({ '*': names });

const HEALTH: NamesOf<HealthConfig> = {
  Test: null,
  Interval: null,
  Timeout: null,
  Retries: null,
  StartPeriod: null,
  StartInterval: null,
};

const CONFIG: NamesOf<ContainerConfig> = {
  Hostname: null,
  Domainname: null,
  User: null,
  AttachStdin: null,
  AttachStdout: null,
  AttachStderr: null,
  ExposedPorts: null,
  Tty: null,
  OpenStdin: null,
  StdinOnce: null,
  Env: null,
  Cmd: null,
  Entrypoint: null,
  Healthcheck: HEALTH,
  ArgsEscaped: null,
  Image: null,
  Volumes: null,
  WorkingDir: null,
  NetworkDisabled: null,
  MacAddress: null,
  OnBuild: null,
  Labels: null,
  StopSignal: null,
  StopTimeout: null,
  Shell: null,
};

const PORT_BINDING: NamesOf<PortBinding> = { HostIp: null, HostPort: null };
const RESTART_POLICY: NamesOf<RestartPolicy> = { Name: null, MaximumRetryCount: null };
const THROTTLE_DEVICE: NamesOf<ThrottleDevice> = { Path: null, Rate: null };
const WEIGHT_DEVICE: NamesOf<WeightDevice> = { Path: null, Weight: null };
const ULIMIT: NamesOf<Ulimit> = { Name: null, Soft: null, Hard: null };
const DEVICE: NamesOf<DeviceMapping> = { PathOnHost: null, PathInContainer: null, CgroupPermissions: null };
const DEVICE_REQUEST: NamesOf<DeviceRequest> = {
  Driver: null,
  Count: null,
  DeviceIDs: null,
  Capabilities: null,
  Options: null,
};

const MOUNT: NamesOf<MountRequest> = {
  Type: null,
  Source: null,
  Target: null,
  ReadOnly: null,
  Consistency: null,
  BindOptions: {
    Propagation: null,
    NonRecursive: null,
    CreateMountpoint: null,
    ReadOnlyNonRecursive: null,
    ReadOnlyForceRecursive: null,
  },
  VolumeOptions: {
    NoCopy: null,
    Labels: null,
    Subpath: null,
    DriverConfig: { Name: null, Options: null },
  },
  ImageOptions: { Subpath: null },
  TmpfsOptions: { SizeBytes: null, Mode: null, Options: null },
  ClusterOptions: null,
};

const HOST_CONFIG: NamesOf<HostConfig> = {
  Binds: null,
  ContainerIDFile: null,
  LogConfig: { Type: null, Config: null },
  NetworkMode: null,
  PortBindings: mapOf(PORT_BINDING),
  RestartPolicy: RESTART_POLICY,
  AutoRemove: null,
  VolumeDriver: null,
  VolumesFrom: null,
  Mounts: MOUNT,
  ConsoleSize: null,
  Annotations: null,
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: null,
  Dns: null,
  DnsOptions: null,
  DnsSearch: null,
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: null,
  Cgroup: null,
  Links: null,
  OomScoreAdj: null,
  PidMode: null,
  Privileged: null,
  PublishAllPorts: null,
  ReadonlyRootfs: null,
  SecurityOpt: null,
  StorageOpt: null,
  Tmpfs: null,
  UTSMode: null,
  UsernsMode: null,
  ShmSize: null,
  Sysctls: null,
  Runtime: null,
  Isolation: null,
  CpuShares: null,
  Memory: null,
  NanoCpus: null,
  CgroupParent: null,
  BlkioWeight: null,
  BlkioWeightDevice: WEIGHT_DEVICE,
  BlkioDeviceReadBps: THROTTLE_DEVICE,
  BlkioDeviceWriteBps: THROTTLE_DEVICE,
  BlkioDeviceReadIOps: THROTTLE_DEVICE,
  BlkioDeviceWriteIOps: THROTTLE_DEVICE,
  CpuPeriod: null,
  CpuQuota: null,
  CpuRealtimePeriod: null,
  CpuRealtimeRuntime: null,
  CpusetCpus: null,
  CpusetMems: null,
  Devices: DEVICE,
  DeviceCgroupRules: null,
  DeviceRequests: DEVICE_REQUEST,
  MemoryReservation: null,
  MemorySwap: null,
  MemorySwappiness: null,
  OomKillDisable: null,
  PidsLimit: null,
  Ulimits: ULIMIT,
  KernelMemory: null,
  KernelMemoryTCP: null,
  CpuCount: null,
  CpuPercent: null,
  IOMaximumIOps: null,
  IOMaximumBandwidth: null,
  MaskedPaths: null,
  ReadonlyPaths: null,
  Init: null,
};

export const ENDPOINT_FIELDS: NamesOf<EndpointSettings> = {
  IPAMConfig: { IPv4Address: null, IPv6Address: null, LinkLocalIPs: null },
  Links: null,
  Aliases: null,
  MacAddress: null,
  DriverOpts: null,
  GwPriority: null,
  NetworkID: null,
  EndpointID: null,
  Gateway: null,
  IPAddress: null,
  IPPrefixLen: null,
  IPv6Gateway: null,
  GlobalIPv6Address: null,
  GlobalIPv6PrefixLen: null,
  DNSNames: null,
};

const NETWORKING: NamesOf<NetworkingConfig> = { EndpointsConfig: mapOf(ENDPOINT_FIELDS) };

/** `POST /containers/create`. */
export const CREATE_FIELDS: FieldNames = {
  ...CONFIG,
  Runtime: null,
  HostConfig: HOST_CONFIG,
  NetworkingConfig: NETWORKING,
};

/** `POST /containers/{id}/update`. */
export const UPDATE_FIELDS: FieldNames = HOST_CONFIG;
