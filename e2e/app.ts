import { spawn } from 'node:child_process';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test as base } from '@playwright/test';
import { startEngine } from '../engine/test/harness.ts';
import type { TestEngine } from '../engine/test/harness.ts';

interface App {
  /** With the token in its fragment, as printed. */
  url: string;
  /** SIGKILL, as a crash. */
  kill9(): Promise<void>;
  stop(): Promise<void>;
}

/** Web mode over the given engine, with a data directory of its own. */
export async function startApp(engine: TestEngine): Promise<App> {
  const flags = ['--socket', engine.socketPath, '--data-dir', path.join(engine.directory, 'app')];
  const child = spawn(process.execPath, ['build/electron/web.mjs', '--port', '0', '--no-open', ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^Gantry is at (\S+)$/.exec(line)?.[1];
    if (url) return { url, kill9: () => end('SIGKILL'), stop: () => end('SIGTERM') };
  }
  throw new Error('web mode ended before it printed its address');
}

/** Each worker has one engine and one app; the engine's `stop` fails when anything is left on the machine. */
export const test = base.extend<
  { open: (route?: string) => Promise<void> },
  { engine: TestEngine; app: App }
>({
  engine: [
    // Playwright reads the fixtures a function needs from its first parameter, which must be a pattern.
    // oxlint-disable-next-line no-empty-pattern
    async ({}, use) => {
      const engine = await startEngine();
      try {
        await use(engine);
      } finally {
        await engine.stop();
      }
    },
    { scope: 'worker', timeout: 60_000 },
  ],
  app: [
    async ({ engine }, use) => {
      const app = await startApp(engine);
      try {
        await use(app);
      } finally {
        await app.stop();
      }
    },
    { scope: 'worker' },
  ],
  open: async ({ page, app }, use) => {
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    page.on('console', (message) => {
      // Chromium gives up loads when links of the machine change, which is what an engine is for; they are tried again.
      if (message.type() === 'error' && !message.text().includes('net::ERR_NETWORK_CHANGED'))
        problems.push(message.text());
    });
    await use(async (route = '') => {
      await page.goto(app.url);
      await page.getByRole('navigation').first().waitFor();
      if (route) await page.goto(`${new URL(app.url).origin}/#${route}`);
    });
    base.expect(problems, 'errors on the console').toEqual([]);
  },
});

export const expect = test.expect;
