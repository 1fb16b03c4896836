import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { _electron as electron } from '@playwright/test';
import { expect, test } from './app.ts';

/** Electron's executable where its runtime was downloaded; importing the package would start a download. */
function electronBinary(): string | undefined {
  const pathFile = 'node_modules/electron/path.txt';
  const dist = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? 'node_modules/electron/dist';
  const binary = path.join(dist, existsSync(pathFile) ? readFileSync(pathFile, 'utf8') : 'electron');
  return existsSync(binary) ? binary : undefined;
}

test('the Electron window shows the containers and has no Node', async ({ engine }) => {
  const executablePath = electronBinary();
  test.skip(executablePath === undefined, "Electron's runtime is not installed");
  test.skip(!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY'], 'there is no display');
  await engine.dockerOk('run', '-d', '--name', 'framed', 'busybox', 'sleep', '1000');
  const app = await electron.launch({
    executablePath: executablePath ?? '',
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '.'],
    env: {
      ...process.env,
      GANTRY_SOCKET: engine.socketPath,
      XDG_DATA_HOME: path.join(engine.directory, 'xdg'),
    },
  });
  try {
    const window = await app.firstWindow();
    await expect(window.getByText('framed')).toBeVisible();
    expect(await window.evaluate(() => typeof (globalThis as { process?: unknown }).process)).toBe(
      'undefined',
    );
  } finally {
    await app.close();
    await engine.dockerOk('rm', '-f', 'framed');
  }
});
