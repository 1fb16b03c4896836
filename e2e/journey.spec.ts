import { expect, test } from './app.ts';

/** Its processes end at SIGTERM, as PID 1 does only when it handles it. */
const SHOP = `services:
  web:
    image: busybox
    command: sh -c "trap exit TERM; while true; do sleep 0.1; done"
  job:
    image: busybox
    command: sh -c "trap exit TERM; while true; do sleep 0.1; done"
    depends_on: [web]
`;

test('run → chart → terminal → logs → files → compose up → down → remove', async ({ page, open, engine }) => {
  await open();

  await test.step('an image becomes a running container by one dialog', async () => {
    await page.getByRole('link', { name: 'Images', exact: true }).click();
    await page
      .getByRole('row', { name: /busybox/ })
      .getByRole('button', { name: /^Run/ })
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name', { exact: true }).fill('journey');
    await dialog
      .getByLabel('Command', { exact: true })
      // Quick at first, then so slow that the first line stays on the screen however long the steps before take.
      .fill(
        `sh -c "i=0; while true; do i=$((i+1)); echo line $i of the journey; [ $i -lt 12 ] && sleep 0.2 || sleep 9; done"`,
      );
    await dialog.getByRole('button', { name: 'Run', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'journey' })).toBeVisible();
    await expect(page.getByText('Running').first()).toBeVisible();
  });

  await test.step('its charts draw live values', async () => {
    await page.getByRole('tab', { name: 'Stats' }).click();
    await expect(page.locator('.recharts-surface').first()).toBeVisible();
    await expect(page.locator('.recharts-area-curve, .recharts-line-curve').first()).toHaveAttribute(
      'd',
      /^M.+[LC]/,
    );
  });

  await test.step('a terminal runs a command in it', async () => {
    await page.getByRole('tab', { name: 'Terminal' }).click();
    await page.locator('.xterm-helper-textarea').focus();
    await page.keyboard.type('echo sum=$((40+2)) > /tmp/from-terminal; cat /tmp/from-terminal\n');
    await expect(page.locator('.xterm-rows')).toContainText('sum=42');
    const { stdout } = await engine.docker('exec', 'journey', 'cat', '/tmp/from-terminal');
    expect(stdout).toBe('sum=42\n');
  });

  await test.step('its logs follow and can be searched', async () => {
    await page.getByRole('tab', { name: 'Logs' }).click();
    await expect(page.getByText('line 1 of the journey', { exact: true })).toBeVisible();
    await expect(page.getByText(/line \d\d of the journey/).last()).toBeVisible();
    await page.getByRole('searchbox').fill('line 2 of');
    await expect(page.locator('mark').first()).toHaveText('line 2 of');
  });

  await test.step('its files can be browsed', async () => {
    await page.getByRole('tab', { name: 'Files' }).click();
    await page.getByRole('cell', { name: 'etc', exact: true }).click();
    await page.getByText('passwd', { exact: true }).click();
    await expect(page.getByText('root:x:0:0')).toBeVisible();
    await page.keyboard.press('Escape');
  });

  await test.step('a compose project goes up and down', async () => {
    await page.getByRole('link', { name: 'Compose', exact: true }).click();
    await page
      .getByRole('button', { name: /New project/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox').first().fill('shop');
    await dialog.getByRole('button', { name: 'Create' }).click();
    const editor = page.locator('.cm-content');
    await editor.click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText(SHOP);
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('button', { name: 'Validate', exact: true }).click();
    await page.getByRole('button', { name: 'Up', exact: true }).click();
    await expect
      .poll(async () =>
        (await engine.docker('ps', '--format', '{{.Names}}')).stdout.split('\n').sort().join(' ').trim(),
      )
      .toBe('journey shop-job-1 shop-web-1');
    await page.getByRole('link', { name: 'Containers', exact: true }).click();
    await expect(page.getByText('shop-web-1')).toBeVisible();
    await page.getByRole('link', { name: 'Compose', exact: true }).click();
    await page.getByRole('button', { name: 'Down', exact: true }).click();
    const confirm = page.getByRole('alertdialog').or(page.getByRole('dialog'));
    await confirm.getByRole('button', { name: 'Down', exact: true }).click();
    await expect
      .poll(async () => (await engine.docker('ps', '-a', '--format', '{{.Names}}')).stdout.trim())
      .toBe('journey');
  });

  await test.step('a running container is removed after a question', async () => {
    await page.getByRole('link', { name: 'Containers', exact: true }).click();
    const row = page.getByRole('row', { name: /journey/ });
    await row.hover();
    await row.getByRole('button', { name: /Remove/ }).click();
    const confirm = page.getByRole('alertdialog').or(page.getByRole('dialog'));
    await confirm.getByRole('button', { name: /Remove/ }).click();
    await expect(page.getByRole('row', { name: /journey/ })).toHaveCount(0);
    expect((await engine.docker('ps', '-aq')).stdout).toBe('');
  });

  await test.step('stopped containers are removed together, after a question that names them', async () => {
    await engine.dockerOk('run', '--name', 'finished', 'busybox', 'true');
    await expect(page.getByRole('row', { name: /finished/ })).toBeVisible();
    await page.getByRole('button', { name: 'Remove stopped', exact: true }).click();
    const confirm = page.getByRole('alertdialog').or(page.getByRole('dialog'));
    await expect(confirm).toContainText('finished');
    await confirm.getByRole('button', { name: 'Remove stopped', exact: true }).click();
    await expect(page.getByRole('row', { name: /finished/ })).toHaveCount(0);
  });
});
