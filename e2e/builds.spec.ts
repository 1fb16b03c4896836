import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';

const DOCKERFILE = `FROM busybox AS first
RUN echo made-by-the-first > /made
FROM busybox
COPY --from=first /made /made
RUN cat /made
`;

test('a pasted Dockerfile is built, comes from the cache again, and stays in the history', async ({
  page,
  open,
  engine,
}) => {
  await open('/builds');
  const begin = async () => {
    await replaceText(page, DOCKERFILE);
    await page.getByLabel('Tags').fill('pasted:1');
    await page.getByRole('button', { name: 'Build', exact: true }).click();
  };
  const steps = page.getByRole('list', { name: 'Steps' }).getByRole('listitem');

  await test.step('every step tells its state, its output and why it was not cached', async () => {
    await begin();
    await expect(page.getByRole('status').getByText('Done')).toBeVisible();
    await expect(steps).toHaveCount(5);
    await expect(steps.nth(4)).toContainText('Done');
    await steps.nth(4).getByRole('button').click();
    await expect(steps.nth(4)).toContainText('made-by-the-first');
    await expect(steps.nth(1).getByText('Cached')).toBeHidden();
    await steps.nth(1).getByRole('button').click();
    await expect(steps.nth(1)).toContainText('Not cached: it was not built before');
    await expect(page.getByRole('figure', { name: 'Stages' })).toContainText('first');
    expect((await engine.docker('run', '--rm', 'pasted:1', 'cat', '/made')).stdout).toBe(
      'made-by-the-first\n',
    );
  });

  await test.step('the second time its steps come from the cache', async () => {
    await page.getByRole('button', { name: 'New build' }).first().click();
    await begin();
    await expect(page.getByRole('status').getByText('Done')).toBeVisible();
    await expect(steps.nth(1)).toContainText('Cached');
    await expect(steps.nth(4)).toContainText('Cached');
  });

  await test.step('the history has both, also for a window that began neither', async () => {
    await page.reload();
    const history = page.getByRole('navigation', { name: 'History' });
    await expect(history.getByRole('button', { name: /pasted:1/ })).toHaveCount(2);
    await history
      .getByRole('button', { name: /pasted:1/ })
      .last()
      .click();
    await expect(steps).toHaveCount(5);
    await page.getByRole('tab', { name: 'Log' }).click();
    await expect(page.getByRole('log', { name: 'Log' })).toContainText('Successfully tagged pasted:1');
  });
});

test('a folder is built with what its Dockerfile says now, and a cancelled build ends in the engine', async ({
  page,
  open,
  engine,
}) => {
  const folder = path.join(engine.directory, 'context');
  await mkdir(folder);
  await writeFile(path.join(folder, '.dockerignore'), 'secret\n');
  await writeFile(path.join(folder, 'secret'), 'x');
  await writeFile(path.join(folder, 'kept'), 'x');
  await writeFile(path.join(folder, 'Dockerfile'), 'FROM busybox\nCOPPY . /in\n');
  await open('/builds');
  await page.getByRole('tab', { name: 'Folder' }).click();
  await page.getByLabel('Folder on this machine').fill(folder);

  await test.step('a mistake is told with its line, and keeps the build from beginning', async () => {
    await expect(page.getByText('did you mean COPY?').first()).toBeVisible();
    await expect(page.getByText('Line 2')).toBeVisible();
  });

  await test.step('the corrected file is saved and built', async () => {
    await replaceText(page, 'FROM busybox\nCOPY . /in\nRUN ls /in\n');
    await page.getByLabel('Tags').fill('folder:1');
    await page.getByRole('button', { name: 'Build', exact: true }).click();
    await expect(page.getByRole('status').getByText('Done')).toBeVisible();
    expect(await readFile(path.join(folder, 'Dockerfile'), 'utf8')).toContain('COPY . /in');
    const { stdout } = await engine.docker('run', '--rm', 'folder:1', 'ls', '/in');
    expect(stdout).toBe('Dockerfile\nkept\n');
  });

  await test.step('Cancel ends the step that runs', async () => {
    await page.getByRole('button', { name: 'New build' }).first().click();
    await page.getByRole('tab', { name: 'Dockerfile' }).click();
    await replaceText(page, 'FROM busybox\nRUN echo begun; sleep 1000\n');
    await page.getByRole('button', { name: 'Build', exact: true }).click();
    await expect(page.getByRole('log').getByText('begun')).toBeVisible();
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect(page.getByRole('status').getByText('Cancelled')).toBeVisible();
    await expect
      .poll(async () => (await engine.api<{ status: string }[]>('GET', '/gantry/v1/builds')).json[0]?.status)
      .toBe('failed');
  });

  await test.step('a step that fails tells how, and leaves no container', async () => {
    await page.getByRole('button', { name: 'New build' }).first().click();
    await replaceText(page, 'FROM busybox\nRUN echo the last words; exit 3\n');
    await page.getByRole('button', { name: 'Build', exact: true }).click();
    await expect(page.getByRole('alert')).toContainText('returned a non-zero code: 3');
    await expect(page.getByRole('log').getByText('the last words')).toBeVisible();
    expect((await engine.docker('ps', '-aq')).stdout).toBe('');
  });
});

test('a secret that was typed reaches its step, and nothing that is kept', async ({ page, open, engine }) => {
  await open('/builds');
  await replaceText(
    page,
    'FROM busybox\nRUN --mount=type=secret,id=token,required sh -c "cat /run/secrets/token; wc -c /run/secrets/token"\n',
  );
  await page.getByRole('button', { name: 'Add secret' }).click();
  await page.getByRole('button', { name: 'Build', exact: true }).click();
  await expect(page.getByRole('alert')).toHaveText('An id has letters, digits, dots, dashes and underscores');
  await page.getByLabel('Id of the secret').fill('token');
  await page.getByLabel('Where the secret is').selectOption('text');
  await page.getByLabel('Secret, or where it is').fill('typed-by-the-user');
  await page.getByRole('button', { name: 'Build', exact: true }).click();
  await expect(page.getByRole('status').getByText('Done')).toBeVisible();
  const { json } = await engine.api<{ id: string }[]>('GET', '/gantry/v1/builds');
  const { text } = await engine.api('GET', `/gantry/v1/builds/${json[0]?.id}`);
  expect(text).toContain('17 /run/secrets/token');
  expect(text).not.toContain('typed-by-the-user');
});

async function replaceText(page: Page, text: string): Promise<void> {
  await page.locator('.cm-content').click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(text);
}
