import { StringStream } from '@codemirror/language';
import { createInstance } from 'i18next';
import { describe, expect, test } from 'vitest';
import type { BuildMessage, MissReason } from '../../../../electron/api/types.ts';
import { en } from '../../i18n/en/en.ts';
import { ko } from '../../i18n/ko/ko.ts';
import { toBuildRequest, validateForm } from './build-form.ts';
import type { BuildForm } from './build-form.ts';
import { addMessages, endProgress, logText, noProgress, stagesOf } from './build-steps.ts';
import { suggest } from './dockerfile-completion.ts';
import { dockerfileParser } from './dockerfile-language.ts';
import { formatDuration } from './lasting.ts';
import { missText } from './miss-text.ts';
import { layOutStages, linePath, STAGE_BOX } from './stage-layout.ts';

const say = (stream: string, time?: number): BuildMessage => ({ stream, time });

describe('steps from the build stream', () => {
  const twoSteps: BuildMessage[] = [
    { gantry: { build: 'b1' } },
    say('Step 1/3 : FROM busybox\n', 1000),
    say(' ---> 0123456789ab\n', 1500),
    say('Step 2/3 : ENV A=1\n', 1500),
    say(' ---> Using cache\n', 1600),
    say(' ---> 1123456789ab\n', 1700),
    say('Step 3/3 : RUN make\n', 2000),
    { gantry: { notCached: { kind: 'parent-changed' } } },
    say(' ---> Running in 2123456789ab\n', 2100),
    say('\u001B[32mcc', 2200),
    say('\u001B[0m main.c\n', 2300),
  ];

  test('are done, cached or running, with their times, reasons and output', () => {
    const { steps, buildId } = addMessages(noProgress, twoSteps);
    expect(buildId).toBe('b1');
    expect(steps).toMatchObject([
      { number: 1, total: 3, source: 'FROM busybox', state: 'done', startedAt: 1000, finishedAt: 1500 },
      { state: 'cached', startedAt: 1500, finishedAt: 1700 },
      { state: 'running', notCached: { kind: 'parent-changed' }, output: '\u001B[32mcc\u001B[0m main.c\n' },
    ]);
  });

  test('come out the same in whatever parts the messages come', () => {
    const oneByOne = twoSteps.reduce((progress, message) => addMessages(progress, [message]), noProgress);
    expect(oneByOne).toEqual(addMessages(noProgress, twoSteps));
  });

  test('an error fails the open step, and what follows the last step belongs to none', () => {
    const failed = addMessages(noProgress, [...twoSteps, { error: 'returned 2', time: 3000 }]);
    expect(failed.error).toBe('returned 2');
    expect(failed.steps.at(-1)).toMatchObject({ state: 'failed', finishedAt: 3000 });
    const done = addMessages(noProgress, [
      ...twoSteps,
      say(' ---> 3123456789ab\n', 3000),
      { aux: { ID: 'sha256:3' } },
      say('Successfully built 3123456789ab\n'),
    ]);
    expect(done.steps.at(-1)).toMatchObject({ state: 'done', finishedAt: 3000 });
    expect([done.notes, done.imageId]).toEqual(['Successfully built 3123456789ab\n', 'sha256:3']);
  });

  test('a step that the end of the build cut off is stopped, an ARG before FROM is done', () => {
    expect(endProgress(addMessages(noProgress, twoSteps), 9000).steps.at(-1)).toMatchObject({
      state: 'stopped',
      finishedAt: 9000,
    });
    const argument = addMessages(noProgress, [
      say('Step 1/2 : ARG TAG=1\n'),
      say('Step 2/2 : FROM busybox:$TAG\n'),
    ]);
    expect(argument.steps.map(({ state }) => state)).toEqual(['done', 'running']);
  });

  test("Docker's own stream, which ends a step's line with a message of its own, gives the same", () => {
    const { steps, notes } = addMessages(noProgress, [
      say('Step 1/2 : FROM busybox'),
      say('\n'),
      say(' ---> 0123456789ab\n'),
      say('Step 2/2 : RUN make'),
      say('\n'),
      say(' ---> Running in 1123456789ab\n'),
      say('made\n'),
      say('Removing intermediate container 1123456789ab\n'),
      say(' ---> 2123456789ab\n'),
    ]);
    expect(steps).toMatchObject([
      { source: 'FROM busybox', state: 'done', output: '' },
      { source: 'RUN make', state: 'done', output: 'made\n' },
    ]);
    expect(notes).toBe('');
  });

  test('output that looks like another step is output', () => {
    const { steps } = addMessages(noProgress, [
      ...twoSteps,
      say('Step 9/9 : nothing\n'),
      say('Step 4/9 : x\n'),
    ]);
    expect(steps).toHaveLength(3);
    expect(steps[2]?.output).toContain('Step 9/9');
  });

  test('a pull is told without its bars', () => {
    const pull: BuildMessage[] = [
      say('Step 1/1 : FROM debian\n'),
      { status: 'Downloading', id: 'abc', progressDetail: { current: 1, total: 9 } },
      { status: 'Pull complete', id: 'abc', progressDetail: {} },
    ];
    expect(addMessages(noProgress, pull).steps[0]?.output).toBe('abc: Pull complete\n');
    expect(logText([...pull, { error: 'gone' }])).toBe('Step 1/1 : FROM debian\nabc: Pull complete\ngone\n');
  });
});

test('stages and what they take from each other are read from the steps', () => {
  const sources = [
    'FROM debian AS base',
    'FROM --platform=linux/amd64 base as compile',
    'RUN --mount=type=bind,from=base,target=/x make',
    'FROM busybox',
    'COPY --from=Compile /a /a',
  ];
  const messages = sources.flatMap((source, index) => [
    say(`Step ${index + 1}/5 : ${source}\n`),
    ...(index < 4 ? [say(' ---> 0123456789ab\n')] : []),
  ]);
  expect(stagesOf(addMessages(noProgress, messages))).toEqual([
    { index: 0, name: 'base', base: 'debian', instructions: 0, needs: [], state: 'done' },
    { index: 1, name: 'compile', base: 'base', instructions: 1, needs: [0], state: 'done' },
    { index: 2, name: '', base: 'busybox', instructions: 1, needs: [1], state: 'running' },
  ]);
});

test('stages that the engine planned are shown from the beginning, names in variables resolved', () => {
  const stage = (index: number, base: string, needs: number[]) => ({
    index,
    name: '',
    base,
    line: index + 2,
    instructions: 1,
    needs,
  });
  const plan = [stage(0, 'debian:12', []), stage(2, 'busybox', [0])];
  const messages = [
    { gantry: { stages: plan } },
    say('Step 1/5 : ARG BASE=debian:12\n'),
    say('Step 2/5 : FROM $BASE\n'),
    say(' ---> 0123456789ab\n'),
    say('Step 3/5 : RUN make\n'),
  ];
  expect(stagesOf(addMessages(noProgress, messages))).toEqual([{ ...plan[0], state: 'running' }, plan[1]]);
});

test('why a step was not cached is told in the language of the user', async () => {
  const none = { paths: [], more: 0 };
  const files: MissReason = {
    kind: 'files-changed',
    changed: { paths: ['a', 'b', 'c'], more: 2 },
    added: { paths: ['d'], more: 0 },
    removed: none,
  };
  const i18n = createInstance();
  const resources = { en: { translation: en }, ko: { translation: ko } };
  await i18n.init({ resources, interpolation: { escapeValue: false } });
  const texts = (language: string) => {
    const t = i18n.getFixedT(language);
    return [missText(files, t), missText({ kind: 'instruction-changed', before: 'RUN <a>' }, t)];
  };
  expect(texts('en')).toEqual([
    'changed: a, b, c and 2 more · added: d',
    'the instruction changed, it was: RUN <a>',
  ]);
  expect(texts('ko')).toEqual([
    '바뀐 파일: a, b, c 외 2개 · 추가된 파일: d',
    '명령이 바뀌었습니다. 이전 명령: RUN <a>',
  ]);
});

test('a stage stands right of those it takes from, and no two stand on each other', () => {
  const { placed, height } = layOutStages([
    { index: 0, needs: [] },
    { index: 1, needs: [] },
    { index: 3, needs: [0, 1] },
  ]);
  const [first, second, third] = placed;
  expect(first).toMatchObject({ x: 0, y: 0 });
  expect(second?.x).toBe(0);
  expect(second?.y).toBeGreaterThanOrEqual(STAGE_BOX.height);
  expect(third?.x).toBeGreaterThanOrEqual(STAGE_BOX.width);
  expect(height).toBe(2 * STAGE_BOX.height + STAGE_BOX.gapY);
  expect(layOutStages([])).toEqual({ placed: [], width: 0, height: 0 });
});

test('a line that skips a column runs below what stands between, and there is room for it', () => {
  const { placed, height } = layOutStages([
    { index: 0, needs: [] },
    { index: 1, needs: [0] },
    { index: 2, needs: [0, 1] },
  ]);
  const [first, second, third] = placed;
  if (!first || !second || !third) throw new Error('not placed');
  expect(height).toBeGreaterThan(STAGE_BOX.height);
  expect(linePath(first, third)).toContain(` ${height} H`);
  expect(linePath(first, second)).not.toContain('H');
});

describe('the editor of a Dockerfile', () => {
  function tokens(text: string): [string, string][] {
    const state = dockerfileParser.startState?.(2);
    if (!state) throw new Error('no state');
    const found: [string, string][] = [];
    for (const line of text.split('\n')) {
      const stream = new StringStream(line, 4, 2);
      while (!stream.eol()) {
        stream.start = stream.pos;
        const style = dockerfileParser.token(stream, state);
        if (style) found.push([stream.current().trim(), style]);
      }
    }
    return found;
  }

  test('knows keywords, flags, strings, variables and comments', () => {
    expect(tokens('# hello\nFROM --platform=$P base AS x\nENV A="b c"\nWHAT x')).toEqual([
      ['# hello', 'comment'],
      ['FROM', 'keyword'],
      ['--platform=', 'propertyName'],
      ['$P', 'variableName'],
      ['AS', 'keyword'],
      ['ENV', 'keyword'],
      ['"b c"', 'string'],
      ['WHAT', 'invalid'],
    ]);
  });

  test('a continued line begins no instruction, whatever the escape character', () => {
    expect(tokens('RUN a \\\n  COPY b\nUSER x').map(([text]) => text)).toEqual(['RUN', '\\', 'USER']);
    expect(tokens('# escape=`\nRUN a `\n  COPY b').map(([text]) => text)).toEqual(['# escape=`', 'RUN', '`']);
  });

  test('a heredoc is text up to its delimiter', () => {
    expect(tokens('RUN <<EOF\nFROM x\nEOF\nUSER y')).toEqual([
      ['RUN', 'keyword'],
      ['<<EOF', 'keyword'],
      ['FROM x', 'string'],
      ['EOF', 'keyword'],
      ['USER', 'keyword'],
    ]);
  });

  test('suggests instructions, flags of the instruction, and stages by name', () => {
    expect(suggest('FROM x\nCO')).toMatchObject({ typed: 'CO' });
    expect(suggest('COPY --')?.labels).toContain('--from=');
    expect(suggest('COPY --link --ch')).toMatchObject({ typed: '--ch' });
    expect(suggest('FROM a AS one\nFROM b AS two\nCOPY --from=')).toEqual({
      typed: '',
      labels: ['one', 'two'],
    });
    expect(suggest('RUN a \\\n  b')).toBeUndefined();
    expect(suggest('RUN echo hello')).toBeUndefined();
  });
});

describe('the form', () => {
  const form: BuildForm = {
    kind: 'folder',
    folder: ' /src ',
    dockerfile: '',
    text: '',
    edited: undefined,
    tags: 'a:1, b',
    target: '',
    args: [{ key: 1, name: 'A', value: '1=2' }],
    noCache: false,
    pull: true,
    secrets: [{ key: 1, id: ' npm ', kind: 'file', value: ' /home/me/.npmrc ' }],
    sshAgent: true,
  };

  test('becomes a request', () => {
    expect(toBuildRequest(form)).toEqual({
      source: { kind: 'folder', folder: '/src' },
      dockerfile: '',
      tags: ['a:1', 'b'],
      target: '',
      buildArgs: { A: '1=2' },
      noCache: false,
      pull: true,
      secrets: [{ id: 'npm', kind: 'file', value: '/home/me/.npmrc' }],
      sshAgent: true,
    });
  });

  test('tells what is missing or wrong by field', () => {
    expect(validateForm(form)).toEqual({});
    expect(validateForm({ ...form, folder: '' })).toEqual({ folder: 'folderMissing' });
    expect(validateForm({ ...form, folder: 'src' })).toEqual({ folder: 'folderRelative' });
    expect(validateForm({ ...form, kind: 'text', text: ' \n' })).toEqual({ text: 'textMissing' });
    expect(validateForm({ ...form, args: [{ key: 1, name: '', value: 'x' }] })).toEqual({ args: 'argName' });
    const twice = [...form.args, { key: 2, name: 'A', value: '' }];
    expect(validateForm({ ...form, args: twice })).toEqual({ args: 'argTwice' });
  });

  test.each([
    [{ id: 'a b' }, 'secretId'],
    [{ value: '' }, 'secretEmpty'],
    [{ value: 'npmrc' }, 'secretPath'],
    [{ id: 'npm', value: '/twice' }, 'secretTwice'],
  ] as const)('tells what is wrong with the secret %j', (part, error) => {
    const secret = { key: 2, id: 'other', kind: 'file' as const, value: '/x', ...part };
    expect(validateForm({ ...form, secrets: [...form.secrets, secret] })).toEqual({ secrets: error });
  });
});

test('durations are short', () => {
  expect(formatDuration(3240, 'en')).toBe('3.2s');
  expect(formatDuration(125_400, 'en')).toBe('2m 5s');
  expect(formatDuration(59_970, 'en')).toBe('1m 0s');
});
