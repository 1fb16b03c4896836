import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { test } from './app.ts';
import type { TestEngine } from '../engine/test/harness.ts';

const out = process.env['GANTRY_SCREENSHOTS'] ?? 'docs/screenshots';

const LOOKS = [
  { name: 'light', colorScheme: 'light', width: 1280, locale: 'en-US' },
  { name: 'dark', colorScheme: 'dark', width: 1280, locale: 'en-US' },
  { name: 'light-800', colorScheme: 'light', width: 800, locale: 'en-US' },
  { name: 'dark-ko', colorScheme: 'dark', width: 1280, locale: 'ko-KR' },
] as const;

/** Uneven work, so that the charts have something to show. */
const WORK =
  'while true; do dd if=/dev/zero of=/tmp/x bs=64k count=$((RANDOM % 9000)) 2>/dev/null; sleep 0.3; done';
const CHATTER =
  'i=0; while true; do i=$((i+1)); printf "\\033[32mINFO\\033[0m request %d handled in %d ms\\n" $i $((i % 17)); ' +
  '[ $((i % 9)) = 0 ] && echo "upstream timed out, retrying" >&2; sleep 0.1; done';

async function populate(engine: TestEngine): Promise<void> {
  await engine.docker('volume', 'create', 'orders-data');
  await engine.docker('network', 'create', 'backend');
  await engine.docker(
    'run',
    '-d',
    '--name',
    'orders-db',
    '--network',
    'backend',
    '-v',
    'orders-data:/data',
    'busybox',
    'sh',
    '-c',
    WORK,
  );
  await engine.docker(
    'run',
    '-d',
    '--name',
    'storefront',
    '-p',
    '127.0.0.1::80',
    '-m',
    '256m',
    'busybox',
    'sh',
    '-c',
    `httpd -h /etc; ${CHATTER}`,
  );
  await engine.docker(
    'run',
    '-d',
    '--name',
    'nightly-report-generator-for-the-european-region',
    'busybox',
    'sh',
    '-c',
    'exit 3',
  );
  const labels = (service: string) => [
    '--label',
    'com.docker.compose.project=shop',
    '--label',
    `com.docker.compose.service=${service}`,
  ];
  for (const service of ['web', 'worker']) {
    await engine.docker(
      'run',
      '-d',
      '--name',
      `shop-${service}-1`,
      ...labels(service),
      'busybox',
      'sh',
      '-c',
      WORK,
    );
  }
  await engine.docker('pause', 'shop-worker-1');
  await engine.docker('tag', 'busybox', 'registry.example.com/team/base:2026.11');
}

for (const look of LOOKS) {
  test.describe(look.name, () => {
    test.use({
      colorScheme: look.colorScheme,
      viewport: { width: look.width, height: 800 },
      locale: look.locale,
    });

    test('every pane', async ({ page, open, engine }) => {
      if ((await engine.docker('ps', '-aq')).stdout === '') await populate(engine);
      const shoot = shooter(page, look.name);
      await open('/containers');
      // Long enough for the sparklines to have a line.
      await page.waitForTimeout(6000);
      await shoot('containers');
      const { stdout } = await engine.docker('inspect', '-f', '{{.Id}}', 'storefront');
      for (const tab of ['overview', 'logs', 'terminal', 'stats', 'files', 'inspect']) {
        await page.goto(`${new URL(page.url()).origin}/#/containers/${stdout.trim()}?tab=${tab}`);
        await page.waitForTimeout(tab === 'stats' ? 8000 : 2000);
        await shoot(`container-${tab}`);
      }
      for (const pane of [
        'images',
        'volumes',
        'volumes/orders-data',
        'networks',
        'compose',
        'builds',
        'system',
      ]) {
        await page.goto(`${new URL(page.url()).origin}/#/${pane}`);
        await page.waitForTimeout(1500);
        await shoot(pane.replace('/', '-'));
      }
      await page.goto(`${new URL(page.url()).origin}/#/networks?view=map`);
      await page.waitForTimeout(4000);
      await shoot('networks-map');
      const { stdout: image } = await engine.docker('image', 'inspect', '-f', '{{.Id}}', 'busybox');
      for (const [name, search] of [
        ['images-layers', `image=${image.trim()}&tab=layers`],
        ['images-registries', 'view=registries'],
      ]) {
        await page.goto(`${new URL(page.url()).origin}/#/images?${search}`);
        await page.waitForTimeout(1500);
        await shoot(name ?? '');
      }
    });
  });
}

function shooter(page: Page, look: string): (name: string) => Promise<void> {
  const directory = path.join(out, look);
  mkdirSync(directory, { recursive: true });
  return async (name) => void (await page.screenshot({ path: path.join(directory, `${name}.png`) }));
}
