import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildsOf, type Build } from './build-api.ts';
import { startEngine, type TestEngine } from './harness.ts';
import { testProgram } from './test-program.ts';

const SECRET = 'hunter2-is-a-long-secret';

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

const value = (text: string): string => Buffer.from(text).toString('base64');
const secrets = (specifications: string): { headers: Record<string, string> } => ({
  headers: { 'X-Gantry-Build-Secrets': specifications },
});

/** Files below the engine's directories in which the text stands. */
function filesWith(text: string): string {
  try {
    return execFileSync('grep', ['-rlaF', text, engine.dataRoot, engine.runRoot], { encoding: 'utf8' });
  } catch (error) {
    if ((error as { status?: number }).status === 1) return '';
    throw error;
  }
}

test('a secret is seen by its step as it was asked for, and is nowhere afterwards', async () => {
  const { text, id } = await built(
    `FROM busybox
RUN echo user:x:1000:1000::/: >> /etc/passwd
RUN --mount=type=secret,id=plain ls -ln /run/secrets/plain && cat /run/secrets/plain
RUN --mount=type=secret,id=plain,target=/etc/deep/token,mode=0440,uid=1000,gid=50 ls -ln /etc/deep/token
RUN --mount=type=secret,id=plain,env=TOKEN sh -c 'echo variable:$TOKEN; ls /run/secrets || true'
RUN --mount=type=secret,id=plain,env=TOKEN,target=/both sh -c 'echo both:$TOKEN:$(cat /both)'
RUN --mount=type=secret,target=/work/plain cat /work/plain
RUN --mount=type=secret,id=absent ! ls /run/secrets
RUN test -z "$TOKEN" && ! ls /run/secrets /etc/deep /both /work`,
    { ...secrets(`id=plain,value=${value(SECRET)}`), query: { t: 'secrets' } },
  );
  expect(text).toMatch(/-r--------\s+1 0\s+0\s+24 .* \/run\/secrets\/plain\n/);
  expect(text).toMatch(/-r--r-----\s+1 1000\s+50\s+24 .* \/etc\/deep\/token\n/);
  expect(text).toContain(`variable:${SECRET}\n`);
  expect(text).toContain(`both:${SECRET}:${SECRET}\n`);
  expect(filesWith(SECRET)).toBe('');
  expect(engine.log()).not.toContain(SECRET);
  const { text: history } = await engine.api('GET', `/images/${id}/history`);
  expect(history).not.toContain(SECRET);
  const { json } = await engine.api<{ id: string }[]>('GET', '/gantry/v1/builds');
  const { text: record } = await engine.api('GET', `/gantry/v1/builds/${json[0]?.id}`);
  expect(record).toContain('variable:***');
  expect(record).not.toContain(SECRET);
});

test("a failed step's container, which stays, has nothing of the secret", async () => {
  const failed = await build(
    'FROM busybox\nRUN --mount=type=secret,id=s,env=S sh -c "test -n $S && exit 3"',
    {
      ...secrets(`id=s,value=${value(SECRET)}`),
    },
  );
  expect(failed.error).toContain('returned a non-zero code: 3');
  const { json } = await engine.api<{ Id: string }[]>('GET', '/containers/json?all=1');
  expect(json).toHaveLength(1);
  expect((await engine.api('GET', `/containers/${json[0]?.Id}/json`)).text).not.toContain(SECRET);
  expect(filesWith(SECRET)).toBe('');
  await engine.dockerOk('rm', json[0]?.Id ?? '');
});

test('another secret is no other step: it counts neither for the cache nor for the layer', async () => {
  const dockerfile = 'FROM busybox\nRUN --mount=type=secret,id=s echo made > /made';
  const first = await built(dockerfile, secrets(`id=s,value=${value('one')}`));
  const second = await built(dockerfile, secrets(`id=s,value=${value('two')}`));
  expect(second.text).toContain('Using cache');
  expect(second.id).toBe(first.id);
});

test('what a killed engine left in memory is removed, and nothing of others', async () => {
  const prefix = `gantry-build-${createHash('sha256').update(engine.runRoot).digest('hex').slice(0, 16)}-`;
  const left = (): string[] => readdirSync('/dev/shm').filter((name) => name.startsWith(prefix));
  expect(left()).toEqual([]);
  for (const [name, uid] of [
    ['ours', 0],
    ['theirs', 1234],
  ] as const) {
    mkdirSync(`/dev/shm/${prefix}${name}`, { mode: 0o700 });
    writeFileSync(`/dev/shm/${prefix}${name}/0`, SECRET);
    chownSync(`/dev/shm/${prefix}${name}`, uid, uid);
  }
  try {
    await engine.restart();
    expect(left()).toEqual([`${prefix}theirs`]);
  } finally {
    rmSync(`/dev/shm/${prefix}theirs`, { recursive: true });
  }
});

test('the docker CLI gives files by the headers of its configuration', async () => {
  const file = path.join(engine.directory, 'token');
  writeFileSync(file, SECRET);
  const config = path.join(engine.directory, 'secret-config');
  mkdirSync(config);
  writeFileSync(
    path.join(config, 'config.json'),
    JSON.stringify({
      HttpHeaders: { 'X-Gantry-Build-Secrets': `id=token,src=${file}; id=other,value=eA==` },
    }),
  );
  const cli = engine.dockerStart('--config', config, 'build', '-');
  cli.write(
    'FROM busybox\nRUN --mount=type=secret,id=token,required cat /run/secrets/token\nRUN --mount=type=secret,id=other cat /run/secrets/other',
  );
  cli.endInput();
  await cli.waitFor(new RegExp(SECRET));
  await cli.waitFor(/Successfully built/);
  // Nothing is being written any more.
  await cli.exited;
  expect(filesWith(SECRET)).toBe('');
});

test.each([
  ['', 'RUN --mount=type=secret,id=s,required true', 200, 'secret s: not found'],
  ['', 'RUN --mount=type=ssh,required true', 200, 'no SSH key "default" forwarded from the client'],
  ['id=s', 'RUN true', 400, 'build secret s needs either src or value'],
  ['src=/etc/passwd', 'RUN true', 400, 'a build secret needs an id'],
  ['id=s,src=relative', 'RUN true', 400, 'build secret s needs an absolute path'],
  ['id=s,src=/no/such/file', 'RUN true', 400, 'build secret s: '],
  ['id=s,value=%%', 'RUN true', 400, 'build secret s is not base64'],
  ['id=s,value=eA==,mode=4', 'RUN true', 400, "unexpected key 'mode' of build secret s"],
])('with the secrets %j, %s is refused', async (header, instruction, status, message) => {
  const result = await build(`FROM busybox\n${instruction}`, header === '' ? {} : secrets(header));
  expect(result.status).toBe(status);
  expect(result.error).toContain(message);
});

test('an ssh agent is reached through a socket of the step alone', async () => {
  const socket = path.join(engine.directory, 'agent.sock');
  const agent = createServer((client) =>
    client.on('data', (data) => client.write(`agent heard ${data.toString()}`)),
  );
  await new Promise<void>((resolve) => agent.listen(socket, resolve));
  try {
    const { text } = await built(
      `FROM busybox
COPY --chmod=755 client /
RUN --mount=type=ssh ls -ln $SSH_AUTH_SOCK && /client $SSH_AUTH_SOCK hello
RUN --mount=type=ssh,id=other,target=/agent,mode=0666,uid=7 ls -ln /agent
RUN test -z "$SSH_AUTH_SOCK" && ! ls /run/buildkit /agent`,
      {
        files: [{ name: 'client', content: readFileSync(testProgram('unix-client')) }],
        headers: { 'X-Gantry-Build-Ssh': `default=${socket};other=${socket}` },
      },
    );
    expect(text).toMatch(/srw-------\s+1 0\s+0 .* \/run\/buildkit\/ssh_agent\.0\n/);
    expect(text).toContain('agent heard hello\n');
    expect(text).toMatch(/srw-rw-rw-\s+1 7\s+0 .* \/agent\n/);
  } finally {
    await new Promise((resolve) => agent.close(resolve));
  }
  const absent = await build('FROM busybox\nRUN --mount=type=ssh true', {
    headers: { 'X-Gantry-Build-Ssh': `default=${socket}` },
  });
  expect(absent.error).toContain(`the ssh agent at ${socket} does not answer: `);
});
