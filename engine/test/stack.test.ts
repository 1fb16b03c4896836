import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEngine } from './harness.ts';
import type { TestEngine } from './harness.ts';
import { SMALL, WORDPRESS_LIKE } from './stacks.ts';

/** `npm run test:stack` takes MariaDB, Apache and PHP, which are minutes of downloading and unpacking. */
const stack = process.env['GANTRY_TEST_STACK'] === 'wordpress' ? WORDPRESS_LIKE : SMALL;

const directory = mkdtempSync(path.join(os.tmpdir(), 'gantry-stack-'));
const tree = path.join(directory, 'debian.tar');
const OPTIONS = [
  '--quiet',
  '--variant=essential',
  '--dpkgopt=path-exclude=/usr/share/doc/*',
  '--dpkgopt=path-exclude=/usr/share/locale/*',
];

let engine: TestEngine;
/** Why there is no tree: no mmdebstrap, or no network. */
let missing: string | undefined;

beforeAll(async () => {
  engine = await startEngine();
  const include = `--include=${stack.packages.join(',')}`;
  missing = await promisify(execFile)('mmdebstrap', [...OPTIONS, include, 'bookworm', tree], {
    timeout: 600_000,
  }).then(
    () => undefined,
    (error: unknown) => String(error),
  );
}, 660_000);
afterAll(async () => {
  await engine.stop();
  rmSync(directory, { recursive: true });
});

const run = (name: string, ...flags: string[]): Promise<string> =>
  engine.dockerOk('run', '-d', '--name', name, '--network', 'stack', ...flags);
const runDatabase = (): Promise<string> => run('db', '-v', `posts:${stack.data}`, 'database');
const runWeb = (): Promise<string> => run('web', '-p', '127.0.0.1::80', 'web');

const address = async (): Promise<string> => `http://${await engine.dockerOk('port', 'web', '80')}/`;
const post = async (text: string): Promise<number> =>
  (await fetch(await address(), { method: 'POST', body: text })).status;

/** The page's text; undefined while it, or the database behind it, does not answer. */
async function page(): Promise<string | undefined> {
  try {
    const response = await fetch(await address());
    return response.ok ? await response.text() : undefined;
  } catch {
    return undefined;
  }
}

test('a web page and its database keep their posts when both are made anew, and when the engine is killed', async ({
  skip,
}) => {
  if (missing !== undefined) console.warn(`no tree of Debian, stacks are not tested: ${missing}`);
  skip(missing !== undefined, 'no tree of Debian');
  await engine.dockerOk('import', tree, 'debian-tree');
  for (const name of ['database', 'web'] as const) {
    const { code, stderr } = await engine.dockerWithInput(stack[name], 'build', '-t', name, '-');
    expect(code, stderr).toBe(0);
  }
  await engine.dockerOk('network', 'create', 'stack');
  await runDatabase();
  await runWeb();
  await expect.poll(page).toBe('');
  expect(await post('first')).toBe(200);

  await engine.kill9();
  await engine.restart();
  expect(await post('second')).toBe(200);
  expect(await page()).toBe('first\nsecond');

  await engine.dockerOk('rm', '-f', '-v', 'db', 'web');
  await runDatabase();
  await runWeb();
  await expect.poll(page).toBe('first\nsecond');

  // The database alone: the page finds the new one by its name.
  await engine.dockerOk('rm', '-f', '-v', 'db');
  await runDatabase();
  await expect.poll(page).toBe('first\nsecond');
}, 300_000);
