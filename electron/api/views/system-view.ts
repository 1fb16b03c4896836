import type { SystemSummary } from '../types.ts';

/** The parts of `GET /info` that are shown. */
export interface EngineInfo {
  Name?: string;
  KernelVersion?: string;
  OperatingSystem?: string;
  Architecture?: string;
  NCPU?: number;
  MemTotal?: number;
  CgroupVersion?: string;
  CgroupDriver?: string;
  Driver?: string;
  DockerRootDir?: string;
  ContainersRunning?: number;
  ContainersPaused?: number;
  ContainersStopped?: number;
  Images?: number;
  Warnings?: string[] | null;
}

/** The parts of `GET /system/df` that are counted; sizes of -1 are unknown. */
export interface DiskUsage {
  LayersSize?: number;
  Images?: { Size: number; SharedSize?: number; Containers: number }[] | null;
  Containers?: { State: string; SizeRw?: number }[] | null;
  Volumes?: { UsageData?: { Size: number; RefCount: number } | null }[] | null;
}

export function toSystemSummary(
  info: EngineInfo,
  version: { Version?: string; ApiVersion?: string },
  usage: DiskUsage,
): SystemSummary {
  return {
    name: info.Name ?? '',
    version: version.Version ?? '',
    apiVersion: version.ApiVersion ?? '',
    kernel: info.KernelVersion ?? '',
    operatingSystem: info.OperatingSystem ?? '',
    architecture: info.Architecture ?? '',
    cpus: info.NCPU ?? 0,
    memoryBytes: info.MemTotal ?? 0,
    cgroupVersion: info.CgroupVersion ?? '',
    cgroupDriver: info.CgroupDriver ?? '',
    storageDriver: info.Driver ?? '',
    rootDirectory: info.DockerRootDir ?? '',
    containersRunning: info.ContainersRunning ?? 0,
    containersPaused: info.ContainersPaused ?? 0,
    containersStopped: info.ContainersStopped ?? 0,
    images: info.Images ?? 0,
    warnings: info.Warnings ?? [],
    diskUsage: toDiskUsage(usage),
  };
}

/** The three rows of `docker system df` that we have; what nothing uses is reclaimable. */
export function toDiskUsage(usage: DiskUsage): SystemSummary['diskUsage'] {
  const images = (usage.Images ?? []).map((image) => ({
    sizeBytes: image.Size - Math.max(0, image.SharedSize ?? 0),
    active: image.Containers > 0,
  }));
  const containers = (usage.Containers ?? []).map((container) => ({
    sizeBytes: Math.max(0, container.SizeRw ?? 0),
    active: ['running', 'paused', 'restarting'].includes(container.State),
  }));
  const volumes = (usage.Volumes ?? []).map((volume) => ({
    sizeBytes: Math.max(0, volume.UsageData?.Size ?? 0),
    active: (volume.UsageData?.RefCount ?? 0) > 0,
  }));
  return [
    {
      ...toUsageRow('images', images),
      ...(usage.LayersSize !== undefined && { sizeBytes: usage.LayersSize }),
    },
    toUsageRow('containers', containers),
    toUsageRow('volumes', volumes),
  ];
}

function toUsageRow(
  kind: SystemSummary['diskUsage'][number]['kind'],
  entries: { sizeBytes: number; active: boolean }[],
): SystemSummary['diskUsage'][number] {
  const sum = (list: typeof entries) => list.reduce((total, entry) => total + entry.sizeBytes, 0);
  return {
    kind,
    count: entries.length,
    active: entries.filter((entry) => entry.active).length,
    sizeBytes: sum(entries),
    reclaimableBytes: sum(entries.filter((entry) => !entry.active)),
  };
}
