import { expect, test } from 'vitest';
import { parseDockerfile } from './dockerfile.ts';
import { lintDockerfile, warningsAreErrors } from './lint.ts';

const lint = (source: string): string[] =>
  lintDockerfile(parseDockerfile(source)).map(({ rule, line }) => `${line} ${rule}`);

test.each([
  ['FROM a\nRun x\nENV A=1', ['2 ConsistentInstructionCasing']],
  ['from a\nrun x\nCOPY a b', ['3 ConsistentInstructionCasing']],
  ['FROM a AS Build', ['1 StageNameCasing']],
  ['FROM a as b', ['1 FromAsCasing']],
  ['FROM a AS b\nFROM a AS b', ['2 DuplicateStageName']],
  ['FROM a AS scratch', ['1 ReservedStageName']],
  ['FROM --platform=$TARGETPLATFORM a', ['1 RedundantTargetPlatform']],
  ['FROM a\nMAINTAINER me', ['2 MaintainerDeprecated']],
  ['FROM a\nCMD x\nCMD ["y"]', ['2 MultipleInstructionsDisallowed', '2 JSONArgsRecommended']],
  ['FROM a\nENV A b', ['2 LegacyKeyValueFormat']],
  ['FROM a\nARG DB_PASSWORD\nENV PUBLIC_KEY=x', ['2 SecretsUsedInArgOrEnv']],
  ['FROM a\nRUN b \\\n\n c', ['3 NoEmptyContinuation']],
  ['# check=skip=JSONArgsRecommended,StageNameCasing\nFROM a AS B\nCMD x', []],
  ['# check=skip=all\nFROM a AS B\nCMD x\nCMD y', []],
  ['FROM a AS b\nENV A=1\nCMD ["x"]', []],
])('%j: %j', (source, expected) => {
  expect(lint(source)).toEqual(expected);
});

test('a directive makes warnings errors', () => {
  expect(warningsAreErrors(parseDockerfile('# check=skip=X;error=true\nFROM a'))).toBe(true);
  expect(warningsAreErrors(parseDockerfile('FROM a'))).toBe(false);
});
