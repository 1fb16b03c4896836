import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { EngineError, errnoOf, invalidArgument, notImplemented } from '../../lib/errors.ts';
import { isRootless } from '../../lib/user-namespace.ts';
import { withDeviceRequests } from '../device-requests.ts';
import { buildContainerPlan } from '../container-plan.ts';
import { buildExecPlan } from '../exec-plan.ts';
import type { BuildContainerPlan, BuildExecPlan, PlanInput } from '../plan-input.ts';
import type { ContainerPlan } from '../plan.ts';
import { processDocument } from './process-document.ts';
import { LOG_NAME } from './runtime-log.ts';
import { runtimeConfig } from './runtime-config.ts';
import { splitDocument } from './split-document.ts';

/** The runtime that is part of the engine. */
export const BUILT_IN = 'gantry';

/** Looked for on PATH; others are configured. */
const WELL_KNOWN = ['runc', 'crun', 'youki', 'kata-runtime', 'runsc'];

/** Which runtime makes a container (`HostConfig.Runtime`). */
export interface Runtimes {
  readonly defaultName: string;
  /** Throws Docker's 400 for a name that is not known. */
  check(name: string): void;
  /** `GET /info`. */
  view(): Record<string, { path: string }>;
  buildContainerPlan: BuildContainerPlan;
  buildExecPlan: BuildExecPlan;
}

interface RuntimesOptions {
  /** gantry-shim. */
  binary: string;
  /** `--add-runtime`: name → path or name of a command. */
  added: ReadonlyMap<string, string>;
  /** `--default-runtime`. */
  defaultName: string | undefined;
  searchPath: string;
}

/** Throws invalid-argument for a default that is none of them. */
export function createRuntimes({ binary, added, defaultName, searchPath }: RuntimesOptions): Runtimes {
  const external = new Map<string, string>();
  for (const name of WELL_KNOWN) {
    const found = findCommand(name, searchPath);
    if (found !== undefined) external.set(name, found);
  }
  for (const [name, command] of added) external.set(name, findCommand(command, searchPath) ?? command);
  const check = (name: string): void => {
    if (name !== BUILT_IN && !external.has(name))
      throw invalidArgument(`unknown or invalid runtime name: ${name}`);
  };
  if (defaultName !== undefined && defaultName !== BUILT_IN && !external.has(defaultName)) {
    throw invalidArgument(`--default-runtime: specified default runtime '${defaultName}' does not exist`);
  }
  const pathOf = (name = BUILT_IN): string | undefined => {
    check(name);
    return external.get(name);
  };
  return {
    defaultName: defaultName ?? BUILT_IN,
    check,
    view: () => ({
      [BUILT_IN]: { path: binary },
      ...Object.fromEntries([...external].map(([name, file]) => [name, { path: file }])),
    }),
    buildContainerPlan: (given) => {
      const input = withDeviceRequests(given);
      const runtime = pathOf(input.hostConfig.Runtime);
      const plan = buildContainerPlan(input);
      return runtime === undefined ? plan : toExternalPlan(input, plan, runtime, binary);
    },
    buildExecPlan: (container, request) => {
      const plan = buildExecPlan(container, request);
      if (pathOf(container.hostConfig.Runtime) === undefined) return plan;
      return { ...plan, document: splitDocument(processDocument(plan.process)) };
    },
  };
}

/** The same container, made by `runtime`. */
function toExternalPlan(
  input: PlanInput,
  plan: ContainerPlan,
  runtime: string,
  binary: string,
): ContainerPlan {
  if (isRootless()) throw notImplemented('an external runtime in rootless mode');
  if (plan.user) throw notImplemented('an external runtime with user namespaces');
  refuseMissing(runtime);
  const state = `${plan.runDirectory}/runtime`;
  const { hybridTree, cgroupsPath } = input.cgroups.external(input.id, input.hostConfig.CgroupParent);
  const document = runtimeConfig(input, plan, {
    staging: `${plan.runDirectory}/staging`,
    binary,
    cgroupsPath,
  });
  const isVisible = (file: string): boolean => hybridTree === undefined || !file.startsWith(`${hybridTree}/`);
  return {
    ...plan,
    // Limits are in config.json; these are for the shim to kill, count and remove by.
    cgroup: {
      ...plan.cgroup,
      directories: plan.cgroup.directories.filter(isVisible),
      writes: [],
      join: plan.cgroup.join.filter(isVisible),
      killFile: isVisible(plan.cgroup.killFile) ? plan.cgroup.killFile : '',
      deviceProgram: null,
    },
    init: false,
    external: {
      command: [
        runtime,
        '--root',
        state,
        '--log',
        `${plan.runDirectory}/${LOG_NAME}`,
        '--log-format',
        'json',
      ],
      hidden: hybridTree === undefined ? [] : [hybridTree],
      config: splitDocument(document),
    },
  };
}

function refuseMissing(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch (cause) {
    const reason =
      errnoOf(cause) === 'EACCES' ? 'permission denied' : `stat ${file}: no such file or directory`;
    const prefix = 'failed to create task for container: failed to create shim task';
    throw new EngineError(
      'internal',
      `${prefix}: OCI runtime create failed: unable to retrieve OCI runtime error: exec: "${file}": ${reason}: unknown`,
      { hint: 'install the runtime or correct --add-runtime', cause },
    );
  }
}

/** Absolute path of a command, looked up like a shell does; undefined: there is none. */
function findCommand(command: string, searchPath: string): string | undefined {
  const directories = command.includes('/') ? [''] : searchPath.split(':').filter((entry) => entry !== '');
  return directories
    .map((directory) => path.resolve(directory, command))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false; // not this one
      }
    });
}
