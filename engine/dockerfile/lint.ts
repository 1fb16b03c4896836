import type { Dockerfile, Stage } from './dockerfile.ts';
import type { From, Pair, StageInstruction } from './instructions.ts';

/** A habit that Docker's build checks warn of; `rule` is their name. */
export interface LintWarning {
  rule: string;
  /** 1-based. */
  line: number;
  message: string;
}

/**
 * Warnings about a Dockerfile that is right otherwise (Dockerfile reference, "Build checks"). `# check=skip=A,B` leaves
 * rules out, `skip=all` every one.
 */
export function lintDockerfile(dockerfile: Dockerfile): LintWarning[] {
  const { stages, warnings, directives } = dockerfile;
  const found: LintWarning[] = warnings.map(({ line, message }) => ({
    rule: 'NoEmptyContinuation',
    line,
    message,
  }));
  found.push(...casingWarnings(dockerfile), ...stageWarnings(stages));
  for (const stage of stages) {
    found.push(...repeatedInstructions(stage), ...secretNames(stage));
    for (const instruction of stage.instructions) found.push(...instructionWarnings(instruction));
  }
  const skipped = skippedRules(directives.get('check') ?? '');
  return found
    .filter(({ rule }) => !skipped.has('all') && !skipped.has(rule))
    .sort((a, b) => a.line - b.line);
}

/** `# check=…;error=true`: warnings fail the build. */
export function warningsAreErrors({ directives }: Dockerfile): boolean {
  return /(?:^|;)\s*error\s*=\s*true\s*(?:;|$)/i.test(directives.get('check') ?? '');
}

function skippedRules(check: string): Set<string> {
  const [, list = ''] = /(?:^|;)\s*skip\s*=\s*([^;]*)/i.exec(check) ?? [];
  return new Set(list.split(',').map((rule) => rule.trim()));
}

function keywordOf(source: string): string {
  return source.split(/\s/, 1)[0] ?? '';
}

/** The casing that most instructions have is the file's. */
function casingWarnings({ stages, globalArgs }: Dockerfile): LintWarning[] {
  const all = [...globalArgs, ...stages.flatMap(({ from, instructions }) => [from, ...instructions])];
  const isUpper = (source: string): boolean => keywordOf(source) === keywordOf(source).toUpperCase();
  const isLower = (source: string): boolean => keywordOf(source) === keywordOf(source).toLowerCase();
  const upper = all.filter(({ source }) => isUpper(source)).length;
  const lower = all.filter(({ source }) => isLower(source)).length;
  const [matches, casing] =
    lower > upper ? ([isLower, 'lowercase'] as const) : ([isUpper, 'uppercase'] as const);
  return all
    .filter(({ source }) => !matches(source))
    .map(({ source, line }) => ({
      rule: 'ConsistentInstructionCasing',
      line,
      message: `Command '${keywordOf(source)}' should match the case of the command majority (${casing})`,
    }));
}

function stageWarnings(stages: readonly Stage[]): LintWarning[] {
  const found: LintWarning[] = [];
  const names = new Set<string>();
  for (const { from } of stages) {
    found.push(...fromWarnings(from));
    if (from.alias === undefined) continue;
    const { line } = from;
    if (names.has(from.alias))
      found.push({
        rule: 'DuplicateStageName',
        line,
        message: `Duplicate stage name '${from.alias}', stage names should be unique`,
      });
    if (from.alias === 'scratch' || from.alias === 'context')
      found.push({
        rule: 'ReservedStageName',
        line,
        message: `Stage name should not use the same name as reserved stage '${from.alias}'`,
      });
    names.add(from.alias);
  }
  return found;
}

function fromWarnings({ source, alias, platform, line }: From): LintWarning[] {
  const found: LintWarning[] = [];
  const [, keyword = '', as = '', name = ''] = /^(\S+).*?\s(as)\s+(\S+)$/i.exec(source) ?? [];
  if (alias !== undefined && name !== name.toLowerCase())
    found.push({ rule: 'StageNameCasing', line, message: `Stage name '${name}' should be lowercase` });
  const isLower = keyword === keyword.toLowerCase();
  if (as !== '' && as !== (isLower ? as.toLowerCase() : as.toUpperCase()))
    found.push({
      rule: 'FromAsCasing',
      line,
      message: `'${as}' and '${keyword}' keywords' casing do not match`,
    });
  if (platform === '$TARGETPLATFORM' || platform === '${TARGETPLATFORM}')
    found.push({
      rule: 'RedundantTargetPlatform',
      line,
      message: `Setting platform to predefined ${platform} in FROM is redundant as this is the default behavior`,
    });
  return found;
}

/** Only the last of these counts. */
function repeatedInstructions({ instructions }: Stage): LintWarning[] {
  return (['cmd', 'entrypoint', 'healthcheck'] as const).flatMap((kind) => {
    const all = instructions.filter((instruction) => instruction.kind === kind);
    return all.slice(0, -1).map(({ line }) => ({
      rule: 'MultipleInstructionsDisallowed',
      line,
      message: `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`,
    }));
  });
}

const SECRET_NAME =
  /(?:^|_)(?:APIKEY|AUTH|CREDENTIALS?|KEY|PASSWORD|PWORD|PASSWD|PASS|SECRETS?|TOKEN)(?:_|$)/i;

/** SECURITY: what stands in ENV or ARG is in the image's history for everybody. */
function secretNames({ instructions }: Stage): LintWarning[] {
  return instructions.flatMap((instruction) => {
    let names: string[] = [];
    if (instruction.kind === 'env' || instruction.kind === 'label') names = namesOfPairs(instruction);
    else if (instruction.kind === 'arg') names = instruction.args.map(({ name }) => name);
    return names
      .filter((name) => SECRET_NAME.test(name) && !/(?:^|_)PUBLIC(?:_|$)/i.test(name))
      .map((name) => ({
        rule: 'SecretsUsedInArgOrEnv',
        line: instruction.line,
        message: `Do not use ARG or ENV instructions for sensitive data (${instruction.kind.toUpperCase()} "${name}")`,
      }));
  });
}

function namesOfPairs({ kind, pairs }: { kind: 'env' | 'label'; pairs: Pair[] }): string[] {
  return kind === 'env' ? pairs.map(({ name }) => name) : [];
}

function instructionWarnings(instruction: StageInstruction): LintWarning[] {
  const { line, kind } = instruction;
  if (kind === 'maintainer') {
    const message = 'Maintainer instruction is deprecated in favor of using label';
    return [{ rule: 'MaintainerDeprecated', line, message }];
  }
  if ((kind === 'cmd' || kind === 'entrypoint') && instruction.command.form === 'shell') {
    const message = `JSON arguments recommended for ${kind.toUpperCase()} to prevent unintended behavior related to OS signals`;
    return [{ rule: 'JSONArgsRecommended', line, message }];
  }
  if (kind === 'env' || kind === 'label') {
    const message = `"${kind.toUpperCase()} key=value" should be used instead of legacy "${kind.toUpperCase()} key value" format`;
    return instruction.pairs.some(({ spaced }) => spaced)
      ? [{ rule: 'LegacyKeyValueFormat', line, message }]
      : [];
  }
  return [];
}
