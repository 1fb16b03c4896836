import { expect, test } from 'vitest';
import { findStage, parseDockerfile } from './dockerfile.ts';

/** The instructions behind `FROM x`. */
function parse(...lines: string[]) {
  return parseDockerfile(['FROM x', ...lines].join('\n')).stages[0]?.instructions ?? [];
}

test('a file is split into stages, with the ARGs before them apart', () => {
  const { stages, globalArgs } = parseDockerfile(
    'ARG V=1 W\nFROM --platform=$P a:$V AS First\nRUN x\nFROM first\nCOPY --from=0 /a /b',
  );
  expect(globalArgs[0]?.args).toEqual([
    { name: 'V', defaultValue: '1' },
    { name: 'W', defaultValue: undefined },
  ]);
  expect(stages.map(({ from }) => [from.image, from.alias, from.platform])).toEqual([
    ['a:$V', 'first', '$P'],
    ['first', undefined, undefined],
  ]);
  expect(findStage(stages, 'FIRST')).toBe(0);
  expect(findStage(stages, '1')).toBe(1);
  expect(findStage(stages, '2')).toBeUndefined();
});

test('continuation lines are joined, comments and blank lines between them dropped with a warning for the latter', () => {
  const { stages, warnings } = parseDockerfile('FROM x\nRUN a \\\n# comment\n  b \\\n\n  c\n');
  expect(stages[0]?.instructions[0]).toMatchObject({ line: 2, endLine: 6, source: 'RUN a   b   c' });
  expect(warnings).toEqual([{ line: 5, message: 'Empty continuation line found in: RUN a   b   c' }]);
});

test('an escaped escape character does not continue a line', () => {
  expect(parse('RUN a \\\\', 'RUN b').map(({ source }) => source)).toEqual(['RUN a \\\\', 'RUN b']);
});

test('the escape directive makes a backtick continue lines, and is known only at the top', () => {
  const { stages, escape } = parseDockerfile(
    '# escape=`\n# syntax = docker/dockerfile:1\nFROM x\nRUN a `\n b C:\\',
  );
  expect(escape).toBe('`');
  expect(stages[0]?.instructions[0]?.source).toBe('RUN a  b C:\\');
  expect(parseDockerfile('# hello\n# escape=`\nFROM x').escape).toBe('\\');
});

test.each([
  ['RUN a  "b c"', { command: { form: 'shell', text: 'a  "b c"' } }],
  ['RUN ["a", "b c"]', { command: { form: 'exec', words: ['a', 'b c'] } }],
  ['RUN [ "a", b ]', { command: { form: 'shell', text: '[ "a", b ]' } }],
  [
    'RUN --mount=type=cache,target=/c --network=none --mount=type=tmpfs,target=/t x',
    { mounts: ['type=cache,target=/c', 'type=tmpfs,target=/t'], network: 'none', command: { text: 'x' } },
  ],
  ['CMD', { kind: 'cmd', command: { form: 'shell', text: '' } }],
  ['ENTRYPOINT ["/x"]', { kind: 'entrypoint', command: { form: 'exec', words: ['/x'] } }],
  [
    'ENV A=1 B="two words" C=a\\ b',
    {
      pairs: [
        { name: 'A', value: '1', spaced: false },
        { name: 'B', value: '"two words"', spaced: false },
        { name: 'C', value: 'a\\ b', spaced: false },
      ],
    },
  ],
  ['ENV A one two', { pairs: [{ name: 'A', value: 'one two', spaced: true }] }],
  ['LABEL "a.b"=c', { kind: 'label', pairs: [{ name: '"a.b"', value: 'c', spaced: false }] }],
  [
    'COPY --from=b --chown=1:2 --link a b /c/',
    { from: 'b', chown: '1:2', link: true, sources: ['a', 'b'], destination: '/c/' },
  ],
  ['COPY ["a b", "/c d"]', { sources: ['a b'], destination: '/c d' }],
  [
    'ADD --checksum=sha256:1 --keep-git-dir http://x/y /z',
    { checksum: 'sha256:1', keepGitDir: true, unpack: undefined },
  ],
  ['EXPOSE 80/udp 443', { ports: ['443', '80/udp'] }],
  ['VOLUME ["/a", "/b"]', { paths: ['/a', '/b'] }],
  ['VOLUME /a /b', { paths: ['/a', '/b'] }],
  ['SHELL ["/bin/bash", "-c"]', { words: ['/bin/bash', '-c'] }],
  ['ONBUILD RUN x', { trigger: 'RUN x' }],
  [
    'HEALTHCHECK --interval=5s --retries=2 CMD ["t"]',
    { health: { Interval: 5e9, Retries: 2, Test: ['CMD', 't'] } },
  ],
  ['HEALTHCHECK CMD t -f', { health: { Test: ['CMD-SHELL', 't -f'] } }],
  ['HEALTHCHECK NONE', { health: { Test: ['NONE'] } }],
  [
    'ARG A B=2',
    {
      args: [
        { name: 'A', defaultValue: undefined },
        { name: 'B', defaultValue: '2' },
      ],
    },
  ],
  ['WORKDIR /a b', { text: '/a b' }],
  ['maintainer me', { kind: 'maintainer', text: 'me' }],
])('%s', (line, expected) => {
  expect(parse(line)[0]).toMatchObject(expected);
});

test('heredocs belong to RUN, COPY and ADD; a quoted name keeps variables, a dash drops tabs', () => {
  const [run, copy, last] = parse(
    'RUN <<EOF cat <<-"X"',
    'one $A',
    'EOF',
    '\ttwo',
    '\tX',
    'COPY <<a /etc/b /dest/',
    'text',
    'a',
    'RUN echo "<<no"',
  );
  expect(run).toMatchObject({
    line: 2,
    endLine: 6,
    heredocs: [
      { name: 'EOF', content: 'one $A\n', expand: true, chomp: false },
      { name: 'X', content: 'two\n', expand: false, chomp: true },
    ],
  });
  expect(copy).toMatchObject({
    sources: ['/etc/b'],
    heredocs: [{ name: 'a', content: 'text\n' }],
    destination: '/dest/',
  });
  expect(last).toMatchObject({ kind: 'run', heredocs: [] });
});

test.each([
  ['VOLUMN /x', 'dockerfile parse error on line 2: unknown instruction: VOLUMN (did you mean VOLUME?)'],
  ['QWERTZ', 'dockerfile parse error on line 2: unknown instruction: QWERTZ'],
  ['COPY --form=a b c', 'dockerfile parse error on line 2: unknown flag: --form (did you mean from?)'],
  ['COPY a', /COPY requires at least two arguments, but only one was provided/],
  ['COPY --link=maybe a b', /expecting boolean value for flag --link, not: maybe/],
  ['COPY --from=a --from=b c d', /duplicate flag specified: --from/],
  ['COPY --from a b', /missing a value on flag: --from/],
  ['RUN ["a", 1]', /when using JSON array syntax, arrays must be comprised of strings only/],
  ['ENV a', /ENV must have two arguments/],
  ['ENV a=1 b', /Syntax error - can't find = in "b"\. Must be of the form: name=value/],
  ['ENV =b', /ENV names can not be blank/],
  ['FROM a b', /FROM requires either one or three arguments/],
  ['FROM a AS 1b', /invalid name for build stage: "1b"/],
  ['ONBUILD FROM x', /FROM isn't allowed as an ONBUILD trigger/],
  ['ONBUILD ONBUILD RUN x', /Chaining ONBUILD/],
  ['ONBUILD RUNN x', /unknown instruction: RUNN \(did you mean RUN\?\)/],
  ['SHELL bash', /SHELL requires the arguments to be in JSON form/],
  ['HEALTHCHECK ASK x', /Unknown type "ASK" in HEALTHCHECK \(try CMD\)/],
  ['HEALTHCHECK --interval=5 CMD x', /invalid duration "5"/],
  ['EXPOSE', /EXPOSE requires at least one argument/],
  ['USER', /USER requires exactly one argument/],
  ['RUN <<EOF\nx', /unterminated heredoc/],
])('%s is refused', (line, message) => {
  expect(() => parse(line)).toThrow(message);
});

test.each([
  ['', 'file with no instructions'],
  ['# only a comment', 'file with no instructions'],
  ['RUN x', 'no build stage in current context'],
  ['ARG x', 'no build stage in current context'],
  ['# escape=x\nFROM a', "invalid escape token 'x' does not match ` or \\"],
  ['# escape=`\n# escape=`\nFROM a', 'only one escape parser directive can be used'],
])('the file %j is refused: %s', (source, message) => {
  expect(() => parseDockerfile(source)).toThrow(message);
});
