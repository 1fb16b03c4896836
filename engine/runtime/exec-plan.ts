import type { ExecRequest, PlanInput } from './plan-input.ts';
import type { ExecPlan } from './plan.ts';
import {
  confinement,
  containerEnvironment,
  overlayEnvironment,
  privilegedCapabilities,
} from './process-plan.ts';

/**
 * A further process in a running container: the container's confinement, environment, user and directory unless the
 * request says otherwise.
 */
export function buildExecPlan(
  container: Pick<PlanInput, 'config' | 'hostConfig'>,
  request: ExecRequest,
): ExecPlan {
  const { config, hostConfig } = container;
  const confined = confinement(hostConfig);
  return {
    id: request.id,
    process: {
      ...confined,
      capabilities: request.privileged ? privilegedCapabilities() : confined.capabilities,
      argv: request.argv,
      env: overlayEnvironment(containerEnvironment(config, request.tty), request.env),
      cwd: request.cwd || config.WorkingDir || '/',
      user: request.user || (config.User ?? ''),
      additionalGroups: hostConfig.GroupAdd ?? [],
      tty: request.tty,
      rows: request.rows,
      columns: request.columns,
      openStdin: request.openStdin,
      stdinOnce: request.openStdin,
    },
    document: null,
  };
}
