import type { ContainerCreateRequest } from '../wire/container.ts';

/** The part of dockerode that compose needs: any Docker engine will do, and a fake in tests. */
export interface ComposeClient {
  version(): Promise<{ ApiVersion: string }>;
  listContainers(options: { all: boolean; filters: Filters }): Promise<ContainerRow[]>;
  listNetworks(): Promise<{ Id: string; Name: string; Labels?: Labels }[]>;
  listVolumes(): Promise<{ Volumes: { Name: string; Labels?: Labels | null }[] | null }>;
  createContainer(request: ContainerCreateRequest & { name: string }): Promise<{ id: string }>;
  createNetwork(request: NetworkCreateRequest): Promise<unknown>;
  createVolume(request: VolumeCreateRequest): Promise<unknown>;
  getContainer(id: string): ContainerHandle;
  getNetwork(id: string): { connect(request: object): Promise<unknown>; remove(): Promise<unknown> };
  getVolume(name: string): { remove(): Promise<unknown> };
  getImage(name: string): { inspect(): Promise<{ Id: string }> };
  /** Pulls with the credentials that its owner keeps; resolves when the image is there. */
  pullImage(name: string, signal: AbortSignal | undefined): Promise<void>;
}

type Labels = Record<string, string>;
type Filters = Record<string, string[]>;

interface ContainerHandle {
  inspect(): Promise<ContainerInspection>;
  start(): Promise<unknown>;
  stop(): Promise<unknown>;
  rename(options: { name: string }): Promise<unknown>;
  remove(options: { force?: boolean; v?: boolean }): Promise<unknown>;
  wait(): Promise<{ StatusCode: number }>;
}

/** A row of `GET /containers/json`. */
export interface ContainerRow {
  Id: string;
  Names: string[];
  State: string;
  Labels: Labels;
  Mounts: { Type: string; Name?: string; Destination: string }[];
}

interface ContainerInspection {
  State: { Running: boolean; ExitCode: number; Health?: { Status: string } };
}

export interface NetworkCreateRequest {
  Name: string;
  Driver: string;
  Internal: boolean;
  Options: Labels;
  Labels: Labels;
  IPAM?: { Config: { Subnet?: string; Gateway?: string; IPRange?: string }[] };
}

export interface VolumeCreateRequest {
  Name: string;
  Driver: string;
  DriverOpts: Labels;
  Labels: Labels;
}
