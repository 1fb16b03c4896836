import { capabilityNames } from '../capabilities.ts';
import type { ProcessPlan } from '../plan.ts';
import { rlimitName } from '../rlimits.ts';
import { LATER } from './split-document.ts';

/**
 * `process` of config.json, or the file of `exec --process`. The user is the shim's to write: names are looked up in
 * the container's own files (SECURITY: 2026-30892), which exist when its root does.
 */
export function processDocument(plan: ProcessPlan, argv = plan.argv): object {
  const { capabilities } = plan;
  return {
    terminal: plan.tty,
    ...(plan.tty && plan.rows > 0 ? { consoleSize: { height: plan.rows, width: plan.columns } } : {}),
    user: LATER,
    args: argv,
    env: plan.env,
    cwd: plan.cwd,
    capabilities: {
      bounding: capabilityNames(capabilities.bounding),
      effective: capabilityNames(capabilities.effective),
      permitted: capabilityNames(capabilities.permitted),
      // SECURITY: 2022-24769.
      inheritable: [],
      ambient: capabilityNames(capabilities.ambient),
    },
    rlimits: plan.rlimits.map(({ resource, soft, hard }) => ({ type: rlimitName(resource), soft, hard })),
    noNewPrivileges: plan.noNewPrivileges,
    ...(plan.apparmor === '' ? {} : { apparmorProfile: plan.apparmor }),
    ...(plan.oomScoreAdj === null ? {} : { oomScoreAdj: plan.oomScoreAdj }),
  };
}
