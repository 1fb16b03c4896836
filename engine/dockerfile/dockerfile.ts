import { DockerfileError } from './dockerfile-error.ts';
import type { Arg, From, StageInstruction } from './instructions.ts';
import { readLogicalLines, type LineWarning } from './logical-lines.ts';
import { parseInstruction } from './parse-instruction.ts';

export interface Stage {
  from: From;
  instructions: StageInstruction[];
}

export interface Dockerfile {
  escape: string;
  /** Lower-case names: `syntax`, `escape`, `check`. */
  directives: ReadonlyMap<string, string>;
  /** ARGs before the first FROM: known to FROM lines, and to stages that name them again. */
  globalArgs: Arg[];
  stages: Stage[];
  warnings: LineWarning[];
}

/** Reads a whole Dockerfile, all of whose errors are DockerfileErrors with Docker's texts. */
export function parseDockerfile(source: string): Dockerfile {
  const { lines, escape, warnings, directives } = readLogicalLines(source);
  const dockerfile: Dockerfile = {
    escape,
    directives,
    globalArgs: [],
    stages: [],
    warnings: [...warnings],
  };
  for (const line of lines) {
    const instruction = parseInstruction(line, escape);
    const stage = dockerfile.stages.at(-1);
    if (instruction.kind === 'from') dockerfile.stages.push({ from: instruction, instructions: [] });
    else if (stage) stage.instructions.push(instruction);
    else if (instruction.kind === 'arg') dockerfile.globalArgs.push(instruction);
    else throw new DockerfileError(line.startLine, 'no build stage in current context');
  }
  if (dockerfile.stages.length === 0)
    throw new DockerfileError(lines.at(-1)?.endLine ?? 1, 'no build stage in current context');
  return dockerfile;
}

/** The stage with that name, or number, among the first `count`; the last of equal names counts. */
export function findStage(stages: readonly Stage[], name: string): number | undefined {
  const wanted = name.toLowerCase();
  const byName = stages.findLastIndex(({ from }) => from.alias === wanted);
  if (byName >= 0) return byName;
  const index = /^\d+$/.test(name) ? Number(name) : -1;
  return index >= 0 && index < stages.length ? index : undefined;
}
