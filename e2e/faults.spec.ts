import { expect, startApp, test } from './app.ts';

test('SIGKILL of the app loses nothing: the next one shows the same containers', async ({ page, engine }) => {
  await engine.dockerOk('run', '-d', '--name', 'survivor', 'busybox', 'sleep', '1000');
  const first = await startApp(engine);
  await page.goto(first.url);
  await expect(page.getByText('survivor')).toBeVisible();
  await first.kill9();
  await expect(page.getByText(/Connection lost|Trying again/).first()).toBeVisible();

  const second = await startApp(engine);
  try {
    await page.goto(second.url);
    await expect(page.getByRole('row', { name: /survivor/ })).toContainText('Running');
  } finally {
    await second.stop();
    await engine.dockerOk('rm', '-f', 'survivor');
  }
});

test('SIGKILL of the engine is shown, and its containers go on', async ({ page, open, engine }) => {
  await engine.dockerOk('run', '-d', '--name', 'survivor', 'busybox', 'sleep', '1000');
  const before = await engine.dockerOk('inspect', '-f', '{{.State.Pid}}', 'survivor');
  await open();
  await expect(page.getByRole('row', { name: /survivor/ })).toContainText('Running');
  await engine.kill9();
  await expect(page.getByRole('alert')).toContainText('Running containers go on without it');
  await engine.restart();
  await expect(page.getByRole('alert')).toHaveCount(0);
  await expect(page.getByRole('row', { name: /survivor/ })).toContainText('Running');
  const after = await engine.dockerOk('inspect', '-f', '{{.State.Pid}}', 'survivor');
  expect(after).toBe(before);
  await engine.dockerOk('rm', '-f', 'survivor');
});

test('a failed run says why, in the dialog', async ({ page, open, engine }) => {
  await engine.dockerOk('run', '-d', '--name', 'holder', '-p', '127.0.0.1::80', 'busybox', 'sleep', '1000');
  const address = await engine.dockerOk('port', 'holder', '80');
  const port = address.trim().split(':').at(-1) ?? '';
  await open('/images');
  await page
    .getByRole('row', { name: /busybox/ })
    .getByRole('button', { name: /^Run/ })
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Paste a docker run command' }).click();
  await dialog
    .getByLabel('docker run command', { exact: true })
    .fill(`docker run -p 127.0.0.1:${port}:80 busybox sleep 5`);
  await dialog.getByRole('button', { name: 'Fill the form' }).click();
  await dialog.getByRole('button', { name: 'Run', exact: true }).click();
  await expect(dialog.getByRole('alert')).toContainText('holder');
  await engine.dockerOk('rm', '-f', 'holder');
});

test('a link without the token shows how to get in, and nothing else', async ({ page, app }) => {
  await page.goto(new URL(app.url).origin);
  await expect(page.getByText('npm start')).toBeVisible();
  await expect(page.getByRole('navigation')).toHaveCount(0);
});
