import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  answers,
  appDataDirectory,
  enginePaths,
  namedSocket,
  startEngine,
  type EnginePaths,
} from './engine-process.ts';

test('root has the engine of the machine, a user one in their own directories', () => {
  expect(enginePaths(0)).toMatchObject({ socket: '/run/gantry/gantry.sock', dataRoot: '/var/lib/gantry' });
  expect(enginePaths(1000, { XDG_RUNTIME_DIR: '/run/user/1000', XDG_DATA_HOME: '/data' })).toMatchObject({
    socket: '/run/user/1000/gantry/gantry.sock',
    dataRoot: '/data/gantry',
  });
  expect(enginePaths(1000, { HOME: '/home/u' })).toMatchObject({
    socket: path.join(os.tmpdir(), 'gantry-1000/gantry.sock'),
    dataRoot: '/home/u/.local/share/gantry',
  });
  expect(appDataDirectory({ HOME: '/home/u' })).toBe('/home/u/.local/share/gantry/app');
});

test.each([
  [{ GANTRY_SOCKET: '/a.sock', DOCKER_HOST: 'unix:///b.sock' }, '/a.sock'],
  [{ GANTRY_SOCKET: 'unix:///a.sock' }, '/a.sock'],
  [{ DOCKER_HOST: 'unix:///b.sock' }, '/b.sock'],
  [{ DOCKER_HOST: 'tcp://1.2.3.4:2375' }, undefined],
  [{}, undefined],
])('%j names the socket %s', (env, socket) => expect(namedSocket(env)).toBe(socket));

/** What the app expects of an engine, and no more: it says its pid, and answers a ping or ends with a reason. */
const ENGINE = `
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
const flag = (name) => process.argv[process.argv.indexOf(name) + 1];
writeFileSync(flag('--data-root') + '/pid', String(process.pid));
writeFileSync(flag('--data-root') + '/flags', process.argv.slice(2).join(' '));
createServer((_, response) => response.end('OK')).listen(flag('--socket'));
`;

describe('an engine that is not running', () => {
  let directory: string;
  let paths: EnginePaths;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-start-'));
    const dataRoot = path.join(directory, 'data');
    const runRoot = path.join(directory, 'run');
    paths = {
      dataRoot,
      runRoot,
      socket: path.join(runRoot, 'e.sock'),
      logFile: path.join(dataRoot, 'engine.log'),
    };
    await mkdir(path.join(directory, 'engine'));
  });
  afterEach(async () => {
    const pid = Number(await readFile(path.join(paths.dataRoot, 'pid'), 'utf8').catch(() => '0'));
    if (pid > 0) process.kill(pid);
    await rm(directory, { recursive: true });
  });

  const install = (script: string) => writeFile(path.join(directory, 'engine/engine.mjs'), script);

  test('is started in a session of its own, and answers then', async () => {
    await install(ENGINE);
    expect(await answers(paths.socket)).toBe(false);
    await startEngine(directory, paths);
    expect(await answers(paths.socket)).toBe(true);
    const pid = await readFile(path.join(paths.dataRoot, 'pid'), 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // proc(5): the sixth field is the session, whose leader a detached child is.
    expect(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[3]).toBe(pid);
    expect(await readFile(path.join(paths.dataRoot, 'flags'), 'utf8')).toContain(
      `--run-root ${paths.runRoot} --socket ${paths.socket} --starter-image ${directory}/starter/busybox.tar`,
    );
  });

  test('and refuses to start is told by its own last words', async () => {
    await install('console.error("first"); console.error("engine: cannot mount"); process.exit(2);');
    await expect(startEngine(directory, paths)).rejects.toThrow(
      'the engine exited with code 2: engine: cannot mount',
    );
  });

  test('and whose program is missing is told too', async () => {
    await expect(startEngine(directory, paths)).rejects.toThrow(/the engine exited with code 1/);
  });
});
