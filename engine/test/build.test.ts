import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildsOf, type Build, type BuildLine, type BuildResult } from './build-api.ts';
import { startEngine, type TestEngine } from './harness.ts';
import { tar, type TarEntry } from './tar-fixture.ts';

let engine: TestEngine;
let build: Build;
let built: Build;

beforeAll(async () => {
  engine = await startEngine();
  ({ build, built } = buildsOf(engine.api));
});

afterAll(async () => {
  await engine?.stop();
});

const TAR = { 'Content-Type': 'application/x-tar' };

const run = (image: string, ...command: string[]): Promise<string> =>
  engine.dockerOk('run', '--rm', '--network=none', image, ...command);

test('steps are told as Docker tells them, and found again in the cache', async () => {
  const dockerfile = 'FROM busybox\nENV A=1\nCOPY f /f\nRUN echo $A-$(cat /f)\nCMD ["cat", "/f"]';
  const files = [{ name: 'f', content: 'content' }];
  const first = await built(dockerfile, { files, query: { t: 'steps:one' } });
  expect(first.text).toContain('Step 1/5 : FROM busybox\n ---> ');
  expect(first.text).toMatch(
    /Step 4\/5 : RUN echo .*\n ---> Running in [0-9a-f]{12}\n1-content\nRemoving intermediate/,
  );
  expect(first.text).toMatch(/Successfully built [0-9a-f]{12}\nSuccessfully tagged steps:one\n$/);
  const again = await built(dockerfile, { files, query: { t: 'steps:two' } });
  expect(again.text.match(/---> Using cache/g)).toHaveLength(4);
  expect(again.id).toBe(first.id);
  const changed = await built(dockerfile, { files: [{ name: 'f', content: 'other' }] });
  expect(changed.text.match(/---> Using cache/g)).toHaveLength(1);
  expect(changed.text).toContain('1-other');
  expect(await run('steps:one')).toBe('content');
});

test('an unchanged COPY hits although other files and owners of the context changed', async () => {
  const dockerfile = 'FROM busybox\nCOPY a /a\nCOPY . /all/';
  await built(dockerfile, { files: [{ name: 'a', content: 'a' }] });
  const again = await built(dockerfile, {
    files: [
      { name: 'a', content: 'a', uid: 9 },
      { name: 'b', content: 'b' },
    ],
  });
  expect(again.text.match(/---> Using cache/g)).toHaveLength(1);
});

test('only the stages that the target needs are built, and their files can be taken', async () => {
  const dockerfile = `
    FROM busybox AS compile
    RUN mkdir -p /out/bin && echo made > /out/bin/tool && ln -s tool /out/bin/link && chmod 4755 /out/bin/tool
    FROM busybox AS unused
    RUN exit 9
    FROM scratch AS small
    COPY --from=compile /out /
    COPY --from=busybox /bin/busybox /bin/
    FROM small
    ENTRYPOINT ["/bin/busybox"]
    CMD ["ls", "-l", "/bin"]`;
  const { text } = await built(dockerfile, { query: { t: 'stages' } });
  expect(text).not.toContain('exit 9');
  expect(await run('stages')).toMatch(/link -> tool\n-rwsr-xr-x .* tool/);
  const target = await build(dockerfile, { query: { target: 'unused' } });
  expect(target.lines.at(-1)).toMatchObject({
    error: "The command '/bin/sh -c exit 9' returned a non-zero code: 9",
    errorDetail: { code: 9 },
  });
  expect((await build(dockerfile, { query: { target: 'nope' } })).error).toBe(
    'target stage "nope" could not be found',
  );
});

test('files go where COPY says: links in the image are followed, directories keep what they are', async () => {
  const dockerfile = `
    FROM busybox
    RUN mkdir -m 1777 /real && mkdir /real/in && ln -s real /link && ln -s /real/in /abs
    RUN echo someone:x:1234:99::/: >> /etc/passwd; echo someone:x:1235: >> /etc/group
    WORKDIR /link
    COPY f .
    COPY f /abs/
    COPY --chown=someone --chmod=600 f renamed
    COPY d new/dir/
    COPY d/*.txt f /many/
    ADD x.tar /unpacked
    ADD x.tar.bad /
    RUN ls -ldn /real /link /real/* /abs/f /real/new/dir/sub/* /many/* /unpacked/in/* /x.tar.bad`;
  const archive = tar([{ name: 'in/owned', content: '1', uid: 5, gid: 6, mode: 0o640 }]);
  const files: TarEntry[] = [
    { name: 'f', content: 'f', uid: 77 },
    { name: 'd/sub/x', content: 'x' },
    { name: 'd/1.txt', content: '1' },
    { name: 'x.tar', content: archive },
    { name: 'x.tar.bad', content: 'no archive' },
  ];
  const { text } = await built(dockerfile, { files });
  for (const line of [
    /drwxrwxrwt .* \/real\n/,
    /lrwxrwxrwx .* \/link -> real\n/,
    /-rw-r--r--\s+1 0\s+0 .* \/real\/f\n/,
    /-rw-------\s+1 1234\s+1235 .* \/real\/renamed\n/,
    /-rw-r--r--\s+1 0\s+0 .* \/abs\/f\n/,
    /\/real\/new\/dir\/sub\/x\n/,
    /\/many\/1\.txt\n/,
    /\/many\/f\n/,
    /-rw-r-----\s+1 5\s+6 .* \/unpacked\/in\/owned\n/,
    /\/x\.tar\.bad\n/,
  ])
    expect(text).toMatch(line);
});

test('heredocs, ARGs, SHELL, ONBUILD and metadata end up where they belong', async () => {
  await built('FROM busybox\nONBUILD RUN echo triggered > /trigger\nONBUILD ENV T=1', {
    query: { t: 'onbuild' },
  });
  const dockerfile = `
ARG TAG=latest
ARG UNUSED
FROM onbuild:$TAG
ARG GIVEN=default OTHER
ARG TAG
LABEL a="b c" d=e
ENV X=$GIVEN-\${OTHER:-none}-$TAG
RUN <<EOF
cat /trigger
echo "$X $OTHER"
EOF
COPY <<one <<'two' /docs/
got $GIVEN
one
raw $GIVEN
two
SHELL ["/bin/busybox", "sh", "-euc"]
RUN echo shell; cat /docs/*
EXPOSE 80 53/udp
VOLUME /data
USER 1:2
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s CMD true
ENTRYPOINT exec top`;
  const { text, id } = await built(dockerfile, {
    query: {
      buildargs: JSON.stringify({ GIVEN: 'yes', LEFT: '1' }),
      labels: JSON.stringify({ "it's": 'x y' }),
    },
  });
  expect(text).toContain('triggered\nyes-none-latest \n');
  expect(text).toContain('shell\ngot yes\nraw $GIVEN\n');
  expect(text).toContain('[Warning] One or more build-args [LEFT] were not consumed');
  const { json } = await engine.api<{ Config: Record<string, unknown> }>('GET', `/images/${id}/json`);
  expect(json.Config).toMatchObject({
    Env: expect.arrayContaining(['T=1', 'X=yes-none-latest']) as unknown,
    Labels: { a: 'b c', d: 'e', "it's": 'x y' },
    ExposedPorts: { '80/tcp': {}, '53/udp': {} },
    Volumes: { '/data': {} },
    User: '1:2',
    StopSignal: 'SIGINT',
    Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: 5e9 },
    Entrypoint: ['/bin/busybox', 'sh', '-euc', 'exec top'],
    Cmd: null,
    OnBuild: null,
  });
});

test('a heredoc with an interpreter of its own is run by that', async () => {
  const { text } = await built('FROM busybox\nRUN <<EOF\n#!/bin/awk -f\nBEGIN { print 6 * 7 }\nEOF');
  expect(text).toContain('\n42\n');
});

test('habits that are warned of are told with file and line, and can be made errors', async () => {
  const { text } = await built('FROM busybox\nENV A b\nCMD x');
  expect(text).toContain('[Warning] Dockerfile:2: LegacyKeyValueFormat: ');
  expect(text).toContain('[Warning] Dockerfile:3: JSONArgsRecommended: ');
  const strict = await build('# check=error=true\nFROM busybox\nCMD x');
  expect(strict).toMatchObject({ status: 400 });
  expect(strict.error).toContain('lint violation found for rules: JSONArgsRecommended: Dockerfile:3: ');
});

test('RUN mounts show files without leaving any, and a cache is kept from build to build', async () => {
  const dockerfile = (mark: string): string => `
    FROM busybox AS other
    RUN echo from-stage > /file
    FROM busybox
    RUN --mount=type=bind,target=/ctx --mount=type=bind,from=other,source=/file,target=/f cat /ctx/d/x /f
    RUN --mount=type=bind,rw,target=/ctx echo lost > /ctx/new
    RUN --mount=type=tmpfs,target=/scratch,size=1m mount | grep /scratch
    RUN --mount=type=cache,target=/cache,id=kept echo ${mark} >> /cache/log; cat /cache/log
    RUN ls -d /ctx /cache /scratch /f 2>&1 || echo nothing is left`;
  const files = [{ name: 'd/x', content: 'from-context\n' }];
  const first = await built(dockerfile('one'), { files });
  expect(first.text).toContain('from-context\nfrom-stage\n');
  expect(first.text).toContain('size=1024k');
  const second = await built(dockerfile('two'), { files });
  expect(second.text).toContain('\none\ntwo\n');
  expect(second.text).toContain('\nnothing is left\n');
  expect(second.text).not.toMatch(/^\/(ctx|cache|scratch|f)$/m);
});

test('independent stages run at the same time, and are told one after the other', async () => {
  const wait = (own: string, other: string): string =>
    `RUN --mount=type=cache,target=/c,id=meet touch /c/${own}; until [ -e /c/${other} ]; do sleep 0.1; done; touch /${own}`;
  const { text } = await built(
    `FROM busybox AS a\n${wait('a', 'b')}\nFROM busybox AS b\n${wait('b', 'a')}\nFROM busybox\nCOPY --from=a /a /\nCOPY --from=b /b /`,
  );
  const numbers = [...text.matchAll(/Step (\d+)\/7/g)].map(([, number]) => Number(number));
  expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7]);
});

test('a link to nowhere leads into the image, where what it names is made', async () => {
  const dockerfile = `FROM busybox
RUN ln -s /../../../made/there /absolute && ln -s ../made/./beside /tmp/relative && ln -s /loop /loop
COPY f /absolute/
COPY f /tmp/relative/deep/
WORKDIR /absolute/work
RUN cd / && find made -type f -o -type d; ls -d /made/there/work`;
  const files = [{ name: 'f', content: '' }];
  const { text } = await built(dockerfile, { files });
  for (const made of ['made/there/f', 'made/beside/deep/f', '/made/there/work'])
    expect(text).toContain(`\n${made}\n`);
  expect((await build(`${dockerfile}\nCOPY f /loop/x`, { files })).error).toContain('/loop');
});

test('a context is read that lacks its closing blocks and the padding of the last file', async () => {
  const whole = tar([{ name: 'Dockerfile', content: 'FROM busybox\nRUN echo read' }]);
  const { text } = await engine.api('POST', '/build', whole.subarray(0, 512 + 26), TAR);
  expect(text).toContain('Successfully built');
});

test('.dockerignore counts, also for the Dockerfile itself', async () => {
  const files = [
    { name: '.dockerignore', content: '*\n!keep\nkeep/not\n' },
    { name: 'keep/yes', content: '1' },
    { name: 'keep/not', content: '1' },
    { name: 'other', content: '1' },
  ];
  const { text } = await built('FROM busybox\nCOPY . /c\nRUN cd /c && find . -type f', { files });
  expect(text).toContain('\n./keep/yes\n');
  expect(text).not.toMatch(/keep\/not|other|\.\/Dockerfile\n/);
  expect((await build('FROM busybox\nCOPY other /', { files })).error).toBe(
    'COPY failed: file not found in build context or excluded by .dockerignore: stat other: file does not exist',
  );
});

test('a remote file is added and checked; a remote tarball or a lone Dockerfile can be the context', async () => {
  const context = tar([{ name: 'Dockerfile', content: 'FROM busybox\nRUN echo remote-context' }]);
  const replies: Record<string, string | Buffer> = {
    '/file.txt': 'fetched',
    '/context.tar': context,
    '/Dockerfile': 'FROM busybox\nRUN echo lone',
  };
  const server = http.createServer(({ url = '' }, response) => {
    if (url === '/moved') response.writeHead(302, { Location: '/file.txt' }).end();
    else if (replies[url]) response.end(replies[url]);
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const { text } = await built(
      `FROM busybox\nADD ${base}/file.txt /d/\nADD ${base}/moved /e\nRUN cat /d/file.txt /e`,
    );
    expect(text).toContain('fetchedfetched');
    const wrong = `sha256:${'0'.repeat(64)}`;
    expect((await build(`FROM busybox\nADD --checksum=${wrong} ${base}/file.txt /`)).error).toContain(
      'digest mismatch',
    );
    expect((await build(`FROM busybox\nADD ${base}/nope /x`)).error).toContain('with status 404');
    const remote = (path: string): Promise<BuildResult> => built('', { query: { remote: base + path } });
    expect((await remote('/context.tar')).text).toContain('\nremote-context\n');
    expect((await remote('/Dockerfile')).text).toContain('\nlone\n');
  } finally {
    server.close();
  }
});

test.each([
  [
    'FROM busybox\nVOLUMN /x',
    400,
    'dockerfile parse error on line 2: unknown instruction: VOLUMN (did you mean VOLUME?)',
  ],
  [
    'FROM busybox\nCOPY --from=later /a /b\nFROM busybox AS later',
    400,
    'dockerfile parse error on line 2: invalid from flag value later: the stage is not built before this one',
  ],
  ['FROM busybox\nCOPY ../../etc/passwd /', 200, 'COPY failed: file not found in build context'],
  [
    'FROM busybox AS a\nCOPY --from=0 /a /b',
    400,
    'line 2: invalid from flag value 0: refers to current build stage',
  ],
  [
    'FROM busybox AS a\nCOPY --from=A /a /b',
    400,
    'line 2: invalid from flag value A: refers to current build stage',
  ],
  ['FROM busybox\nCOPY --from=7 /a /b', 400, 'line 2: invalid from flag value 7: index out of bounds'],
  ['FROM busybox\nSTOPSIGNAL FOO', 200, 'invalid signal: FOO'],
  ['FROM busybox\nADD d /etc/passwd', 200, 'cannot copy to non-directory: /etc/passwd'],
  ['ARG BASE\nFROM ${BASE}', 400, 'line 2: base name (${BASE}) should not be blank'],
  ['FROM busybox\nARG NAME\nCOPY ${NAME:?missing} /', 200, 'NAME: missing'],
  ['FROM busybox\nRUN --security=insecure true', 200, 'security.insecure is not allowed'],
  ['FROM busybox\nRUN --network=host true', 200, 'network.host is not allowed'],
  ['FROM busybox\nCOPY a f /c', 200, 'COPY failed: file not found'],
  [
    'FROM busybox\nCOPY f f /c',
    200,
    'When using COPY with more than one source file, the destination must be a directory and end with a /',
  ],
  ['FROM busybox\nCOPY --chown=nobody-here f /', 200, 'no such user: nobody-here'],
  ['FROM busybox\nCOPY --from=localhost:1/none /a /', 200, 'invalid from flag value localhost:1/none: '],
  ['FROM busybox\nVOLUME /etc:/host\nRUN ls /host', 200, 'returned a non-zero code: 1'],
  [
    'FROM busybox\nRUN touch /foo\nVOLUME /foo',
    200,
    'cannot mount volume over existing file, file exists /foo',
  ],
  ['FROM busybox\nADD cut.tar /', 200, 'ADD failed: invalid tar: unexpected EOF'],
])('%j is refused', async (dockerfile, status, message) => {
  const cut = tar([{ name: 'inside', content: 'x' }]).subarray(0, -1);
  const files = [
    { name: 'f', content: '' },
    { name: 'cut.tar', content: cut },
    { name: 'd/f', content: '' },
  ];
  const result = await build(dockerfile, { files });
  expect(result.status).toBe(status);
  expect(result.error).toContain(message);
});

test('a context that would write outside, a cut one, and a missing Dockerfile are refused', async () => {
  const escape = await build('FROM busybox', { files: [{ name: '../../x', content: '' }] });
  expect(escape).toMatchObject({ status: 400 });
  expect(escape.error).toContain('leaves the archive');
  const cut = tar([{ name: 'Dockerfile', content: 'FROM busybox'.repeat(200) }]).subarray(0, 700);
  expect((await engine.api('POST', '/build', cut, TAR)).status).toBe(400);
  const giant = tar([{ name: 'Dockerfile', content: 'FROM busybox' }]);
  // A file of 8 GiB by its header, as large as octal digits say.
  giant.write('77777777777\0', 124, 'latin1');
  giant.write('        ', 148, 'latin1');
  const sum = giant.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  giant.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  expect(await engine.api('POST', '/build', giant, TAR)).toMatchObject({
    status: 400,
    json: { message: 'invalid tar: unexpected EOF' },
  });
  const missing = await engine.api<BuildLine>('POST', '/build?dockerfile=no', tar([]), TAR);
  expect(missing).toMatchObject({
    status: 500,
    json: { message: 'Cannot locate specified Dockerfile: no' },
  });
});

test('a failed step leaves its container unless forcerm, and a client that hangs up stops the build', async () => {
  const count = async (): Promise<number> =>
    (await engine.api<object[]>('GET', '/containers/json?all=1')).json.length;
  const before = await count();
  await build('FROM busybox\nRUN exit 4', { query: { forcerm: '1' } });
  expect(await count()).toBe(before);
  await build('FROM busybox\nRUN exit 5');
  expect(await count()).toBe(before + 1);
  const cli = await beginEndlessBuild();
  cli.kill('SIGKILL');
  await expect.poll(count).toBe(before + 1);
});

async function beginEndlessBuild() {
  const cli = engine.dockerStart('build', '-t', 'endless', '-');
  cli.write('FROM busybox\nRUN echo begun && sleep 1000\n');
  cli.endInput();
  await cli.waitFor(/\nbegun\n/);
  return cli;
}

test('the cache is told by df, prune empties it, and images with names stay', async () => {
  const dockerfile = 'FROM busybox\nRUN echo pruned > /p\nENV P=1';
  await built(dockerfile, { query: { t: 'named' } });
  const { json: df } = await engine.api<{ BuildCache: { Description: string }[] }>('GET', '/system/df');
  expect(df.BuildCache.map(({ Description }) => Description)).toContain('/bin/sh -c echo pruned > /p');
  const { json } = await engine.api<{ CachesDeleted: string[] }>('POST', '/build/prune?all=1');
  expect(json.CachesDeleted.length).toBeGreaterThan(1);
  const after = await engine.api<{ BuildCache: object[] }>('GET', '/system/df');
  expect(after.json.BuildCache).toEqual([]);
  expect(await run('named', 'cat', '/p')).toBe('pruned');
  const again = await built(dockerfile, { query: { cachefrom: '["named"]' } });
  expect(again.text.match(/---> Using cache/g)).toHaveLength(2);
});

test('the app is told why a step was not cached, what a Dockerfile holds, and what earlier builds said', async () => {
  const query = { gantry: '1', t: 'explained' };
  const reasons = async (dockerfile: string, content: string): Promise<object[]> => {
    const { lines } = await built(dockerfile, { files: [{ name: 'd/f', content }], query });
    return lines.flatMap((line) => (line as { gantry?: { notCached?: object } }).gantry?.notCached ?? []);
  };
  const dockerfile = 'FROM busybox\nENV EXPLAINED=1\nCOPY d /d\nRUN cat /d/f';
  const none = { paths: [], more: 0 };
  expect(await reasons(dockerfile, '1')).toEqual([
    { kind: 'never-built' },
    { kind: 'never-built' },
    { kind: 'never-built' },
  ]);
  expect(await reasons(dockerfile, '1')).toEqual([]);
  expect(await reasons(dockerfile, '2')).toEqual([
    { kind: 'files-changed', changed: { paths: ['d/f'], more: 0 }, added: none, removed: none },
    { kind: 'parent-changed' },
  ]);
  expect(await reasons(dockerfile.replace('cat', 'wc'), '2')).toEqual([
    { kind: 'instruction-changed', before: 'RUN cat /d/f' },
  ]);
  const stages = 'FROM busybox AS a\nRUN echo a\nFROM a\nFROM busybox\nRUN echo b\nCOPY --from=a / /a';
  expect(await reasons(stages, '1')).not.toContainEqual(expect.objectContaining({ before: 'RUN echo a' }));
  const described = await engine.api('POST', '/gantry/v1/dockerfile', {
    text: 'FROM a AS x\nENV A b\nFROM b\nCOPY --from=x / /',
  });
  expect(described.json).toMatchObject({
    diagnostics: [{ severity: 'warning', line: 2 }],
    stages: [
      { index: 0, name: 'x', base: 'a', needs: [] },
      { index: 1, name: '', base: 'b', line: 3, needs: [0] },
    ],
  });
  const wrong = await engine.api('POST', '/gantry/v1/dockerfile', { text: 'FROM a\nCOPPY a b' });
  expect(wrong.json).toEqual({
    diagnostics: [{ severity: 'error', line: 2, message: 'unknown instruction: COPPY (did you mean COPY?)' }],
    stages: [],
  });
  const [last] = (await engine.api<{ id: string }[]>('GET', '/gantry/v1/builds')).json;
  const { json: record } = await engine.api<{ log: BuildLine[] }>('GET', `/gantry/v1/builds/${last?.id}`);
  expect(record).toMatchObject({ status: 'done', tags: ['explained'] });
  const now = Math.floor(Date.now() / 1000) + 1;
  const filters = encodeURIComponent(JSON.stringify({ type: ['builder'] }));
  const { text } = await engine.api('GET', `/events?since=0&until=${now}&filters=${filters}`);
  const told = text.split('\n').filter((line) => line.includes(last?.id ?? ''));
  expect(told.map((line) => (JSON.parse(line) as { Action: string }).Action)).toEqual(['running', 'done']);
  expect(record.log.map(({ stream }) => stream ?? '').join('')).toContain(
    'Successfully tagged explained:latest',
  );
});

test('a build tells the app its id in the history before anything else, and nobody who did not ask', async () => {
  const dockerfile = 'FROM busybox\nENV TOLD=1';
  const { lines } = await built(dockerfile, { query: { gantry: '1' } });
  const [last] = (await engine.api<{ id: string }[]>('GET', '/gantry/v1/builds')).json;
  expect(lines[0]).toEqual({ gantry: { build: last?.id } });
  const { json: record } = await engine.api<{ startedAt: string; log: { time: number }[] }>(
    'GET',
    `/gantry/v1/builds/${last?.id}`,
  );
  const times = record.log.map(({ time }) => time);
  expect(times).toEqual(times.toSorted((one, other) => one - other));
  expect(times[0]).toBeGreaterThanOrEqual(Date.parse(record.startedAt));
  const unasked = await built(dockerfile);
  expect(unasked.lines.filter((line) => 'gantry' in line || 'time' in line)).toEqual([]);
  const [newest] = (await engine.api<{ id: string }[]>('GET', '/gantry/v1/builds')).json;
  const remembered = await engine.api<{ log: object[] }>('GET', `/gantry/v1/builds/${newest?.id}`);
  const stages = [{ index: 0, name: '', base: 'busybox', line: 1, instructions: 1, needs: [] }];
  expect(remembered.json.log[0]).toMatchObject({ gantry: { stages } });
});

test('with SOURCE_DATE_EPOCH the same build gives the same image', async () => {
  const dockerfile = `FROM busybox
COPY f /d/f
WORKDIR /new
RUN mkdir -p a/b && echo x > a/b/file && ln -s nowhere a/link && rm /d/f && touch -d '2001-02-03 04:05:06' a/old
RUN --mount=type=cache,target=/cache --mount=type=bind,target=/ctx touch /d
ENV A=1
RUN stat -c '%n %Y' /new/a/* /new/a/b/file /d`;
  const query = { buildargs: JSON.stringify({ SOURCE_DATE_EPOCH: '1700000000' }), nocache: '1' };
  const files = [{ name: 'f', content: 'x' }];
  const first = await built(dockerfile, { files, query });
  for (const line of ['a/b 1700000000', 'a/link 1700000000', 'a/old 981173106', 'a/b/file 1700000000'])
    expect(first.text).toContain(`\n/new/${line}\n`);
  expect(first.text).toContain('\n/d 1700000000\n');
  expect((await built(dockerfile, { files, query })).id).toBe(first.id);
});

test('a killed engine leaves no half image and no stray container, only what a failed step left', async () => {
  await build('FROM busybox\nRUN echo kept; exit 6');
  const fsck = async (): Promise<unknown> => (await engine.api('POST', '/gantry/v1/fsck')).json;
  const commands = async (): Promise<string[]> => {
    const { json } = await engine.api<{ Command: string }[]>('GET', '/containers/json?all=1');
    return json.map(({ Command }) => Command);
  };
  const cli = engine.dockerStart('build', '-t', 'endless', '-');
  // It ends by itself, with a failure, once the layer below it is gone.
  cli.write(
    'FROM busybox\nRUN echo > /below\nRUN echo begun; while [ -e /below ]; do sleep 0.01; done; exit 7\n',
  );
  cli.endInput();
  await cli.waitFor(/\nbegun\n/);
  await engine.kill9();
  await cli.exited;
  await engine.restart();
  expect((await commands()).filter((command) => command.includes('begun'))).toEqual([]);
  expect((await commands()).filter((command) => command.includes('kept'))).toHaveLength(1);
  expect((await engine.docker('image', 'inspect', 'endless')).code).toBe(1);
  expect(await fsck()).toMatchObject({ whole: true, problems: [] });
  expect((await built('FROM busybox\nRUN echo fine')).text).toContain('\nfine\n');
});
