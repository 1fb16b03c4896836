import { statSync } from 'node:fs';
import path from 'node:path';
import { invalidArgument } from '../lib/errors.ts';
import type { DeviceRequest } from '../wire/container.ts';
import { resolveCdiDevices, type ContainerEdits } from './cdi.ts';
import type { PlanInput, ResolvedMount } from './plan-input.ts';

/**
 * `--gpus`, `--device vendor.com/class=name`: the input with what the requested devices add to it, and without the
 * requests. The one driver here is `cdi`. Throws invalid-argument with Docker's text.
 */
export function withDeviceRequests(input: PlanInput): PlanInput {
  const requests = input.hostConfig.DeviceRequests ?? [];
  if (requests.length === 0) return input;
  const edits = resolveCdiDevices(requests.flatMap(cdiNamesOf));
  const { hostConfig, config } = input;
  return {
    ...input,
    config: { ...config, Env: [...(config.Env ?? []), ...edits.env] },
    hostConfig: {
      ...hostConfig,
      DeviceRequests: null,
      Devices: [
        ...(hostConfig.Devices ?? []),
        ...edits.deviceNodes.map((node) => ({
          PathOnHost: node.hostPath,
          PathInContainer: node.path,
          CgroupPermissions: node.permissions,
        })),
      ],
      GroupAdd: [...(hostConfig.GroupAdd ?? []), ...edits.additionalGroups],
    },
    mounts: [...input.mounts, ...edits.mounts.map(toMount)],
  };
}

function cdiNamesOf({ Driver = '', Count, DeviceIDs, Capabilities, Options }: DeviceRequest): string[] {
  if (Driver !== 'cdi') {
    const sets = (Capabilities ?? []).map((set) => `[${set.join(' ')}]`).join(' ');
    throw invalidArgument(
      `could not select device driver ${JSON.stringify(Driver)} with capabilities: [${sets}]`,
    );
  }
  if (Count) throw invalidArgument('unexpected count in CDI device request');
  if (Object.keys(Options ?? {}).length > 0)
    throw invalidArgument('unexpected options in CDI device request');
  return DeviceIDs ?? [];
}

function toMount({ hostPath, containerPath, options }: ContainerEdits['mounts'][number]): ResolvedMount {
  const stat = statSync(hostPath, { throwIfNoEntry: false });
  if (!stat || !containerPath.startsWith('/')) {
    throw invalidArgument(`CDI device injection failed: cannot mount ${hostPath} at ${containerPath}`);
  }
  const flags = (['nosuid', 'nodev', 'noexec'] as const).filter((flag) => options.includes(flag));
  return {
    type: 'bind',
    name: '',
    source: path.resolve(hostPath),
    layers: [],
    subpath: '',
    target: path.posix.resolve(containerPath),
    readonly: options.includes('ro'),
    recursive: !options.includes('bind'),
    readonlyRecursive: true,
    propagation: 'rprivate',
    directory: stat.isDirectory(),
    data: '',
    flags,
  };
}
