import { DockerfileError } from '../dockerfile/dockerfile-error.ts';
import { parseDockerfile } from '../dockerfile/dockerfile.ts';
import { lintDockerfile } from '../dockerfile/lint.ts';
import { BuildArgs } from './build-args.ts';
import { planStages, type PlannedStage } from './stage-graph.ts';

interface DockerfileDiagnostic {
  severity: 'error' | 'warning';
  /** 1-based. */
  line: number;
  message: string;
}

interface DescribedStage {
  index: number;
  /** '' where it has none. */
  name: string;
  base: string;
  line: number;
  instructions: number;
  /** Indices of stages it takes from. */
  needs: number[];
}

/** In the order of their steps. */
export function describeStages(planned: readonly PlannedStage[]): DescribedStage[] {
  return planned.map(({ index, stage, base, needs }) => ({
    index,
    name: stage.from.alias ?? '',
    base,
    line: stage.from.line,
    instructions: stage.instructions.length,
    needs: [...needs],
  }));
}

/** What an editor shows of a Dockerfile: its mistakes, and the graph of the stages that a build of it needs. */
export function describeDockerfile(text: string): {
  diagnostics: DockerfileDiagnostic[];
  stages: DescribedStage[];
} {
  try {
    const dockerfile = parseDockerfile(text);
    const args = new BuildArgs({}, new Map());
    for (const { args: declared } of dockerfile.globalArgs) args.declareGlobal(declared, (value) => value);
    const stages = describeStages(planStages(dockerfile, '', args));
    const diagnostics = lintDockerfile(dockerfile).map(({ line, rule, message }) => ({
      severity: 'warning' as const,
      line,
      message: `${message} (${rule})`,
    }));
    return { diagnostics, stages };
  } catch (error) {
    if (!(error instanceof DockerfileError)) throw error;
    return { diagnostics: [{ severity: 'error', line: error.line, message: error.detail }], stages: [] };
  }
}
