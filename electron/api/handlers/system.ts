import { api } from '../implementer.ts';
import { toSystemSummary, type DiskUsage, type EngineInfo } from '../views/system-view.ts';

export const system = {
  summary: api.system.summary.handler(async ({ context: { docker } }) => {
    const [info, version, usage] = await Promise.all([
      docker.info() as Promise<EngineInfo>,
      docker.version(),
      docker.df() as Promise<DiskUsage>,
    ]);
    return toSystemSummary(info, version, usage);
  }),
};
