import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createReadStream, mkdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildsOf, type Build, type BuildResult } from './build-api.ts';
import { missingCommands } from './docker-registry.ts';
import { startEngine, type TestEngine } from './harness.ts';

const absent = missingCommands('git').length > 0;
if (absent) console.log('builds of git repositories are not tested: there is no git');

describe.skipIf(absent)('a git repository', () => {
  let engine: TestEngine;
  let build: Build;
  let built: Build;
  let daemon: ChildProcess;
  let webServer: http.Server;
  let address: string;
  let webAddress: string;

  beforeAll(async () => {
    engine = await startEngine();
    ({ build, built } = buildsOf(engine.api));
    const repositories = path.join(engine.directory, 'git');
    makeRepository(repositories);
    const port = await freePort();
    const served = ['--export-all', `--base-path=${repositories}`, '--listen=127.0.0.1', `--port=${port}`];
    daemon = spawn('git', ['daemon', ...served], { stdio: 'ignore', detached: true });
    address = `git://127.0.0.1:${port}/x.git`;
    webServer = http.createServer(({ url = '' }, response) => {
      const file = path.join(repositories, new URL(url, 'http://x').pathname);
      createReadStream(file)
        .on('error', () => response.writeHead(404).end())
        .pipe(response);
    });
    await new Promise<void>((resolve) => webServer.listen(0, '127.0.0.1', resolve));
    webAddress = `http://127.0.0.1:${(webServer.address() as AddressInfo).port}/x.git`;
    await vi.waitFor(async () => expect((await remote('')).error).toBe(''), { timeout: 20_000 });
  });

  afterAll(async () => {
    if (daemon?.pid !== undefined) process.kill(-daemon.pid);
    webServer?.close();
    await engine?.stop();
  });

  const remote = (place: string): Promise<BuildResult> =>
    build('', { query: { remote: address + place, nocache: '1' } });

  test('is a context, at any revision and any directory', async () => {
    expect((await remote('')).text).toContain('\nsecond\n');
    expect((await remote('#v1')).text).toContain('\nfirst\n');
    expect((await remote('#main:part')).text).toContain('\nonly a part\n');
    expect((await remote('#nowhere')).error).toContain('unable to prepare context: git fetch failed');
    expect((await remote('#--upload-pack=x')).error).toContain('invalid git address');
  });

  test('is fetched from a plain web server, too', async () => {
    const { text, error } = await build('', { query: { remote: webAddress, nocache: '1' } });
    expect(error).toBe('');
    expect(text).toContain('\nsecond\n');
  });

  test('is added whole, whatever its attributes say of archives', async () => {
    const { text } = await built(
      `FROM busybox\nADD ${address}#v1:sub /added\nADD ${address} /all\nRUN cat /added/f /all/exported; ls -A /all`,
    );
    expect(text).toContain('\nfirst\n$Format:%H$\n');
    expect(text).not.toContain('\n.git\n');
  });

  test('is added with its .git when that is asked for', async () => {
    const dockerfile = `FROM busybox\nADD --keep-git-dir ${address}#v1 /kept\nADD --keep-git-dir=true ${address}#v1:sub /part\nRUN ls -A /part`;
    const { text } = await built(dockerfile, { query: { t: 'kept' } });
    expect(text).not.toContain('\n.git\n');
    const copy = path.join(engine.directory, 'kept');
    const container = await engine.dockerOk('create', 'kept', 'x');
    await engine.dockerOk('cp', `${container.trim()}:/kept`, copy);
    await engine.dockerOk('rm', container.trim());
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', copy, '-c', 'safe.directory=*', ...args], { encoding: 'utf8' });
    expect(git('status', '--porcelain')).toBe('');
    expect(git('log', '--format=%s')).toBe('one\n');
    expect(git('remote', 'get-url', 'origin')).toBe(`${address}\n`);
    const again = await built(dockerfile, { query: { nocache: '1' } });
    expect(again.text).toContain('Successfully built');
  });
});

function makeRepository(repositories: string): void {
  const work = path.join(repositories, 'work');
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', work, '-c', 'user.name=t', '-c', 'user.email=t@t', ...args], {
      encoding: 'utf8',
    });
  for (const directory of ['sub', 'part']) mkdirSync(path.join(work, directory), { recursive: true });
  const write = (name: string, text: string): void => writeFileSync(path.join(work, name), text);
  git('init', '-q', '-b', 'main');
  write('Dockerfile', 'FROM busybox\nCOPY . /c\nRUN cat /c/sub/f');
  write('part/Dockerfile', 'FROM busybox\nRUN echo only a part');
  write('sub/f', 'first\n');
  write('exported', '$Format:%H$\n');
  write('.gitattributes', 'exported export-subst\nsub export-ignore\n');
  git('add', '.');
  git('commit', '-qm', 'one');
  git('tag', 'v1');
  write('sub/f', 'second\n');
  git('commit', '-qam', 'two');
  const bare = path.join(repositories, 'x.git');
  execFileSync('git', ['clone', '-q', '--bare', work, bare]);
  execFileSync('git', ['-C', bare, 'update-server-info']);
}

async function freePort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
