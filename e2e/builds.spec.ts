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
    const editor = page.locator('.cm-content');
    await editor.click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(DOCKERFILE);
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
