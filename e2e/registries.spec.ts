import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { gate, startFakeRegistry } from '../engine/test/fake-registry.ts';
import type { FakeRegistry } from '../engine/test/fake-registry.ts';
import { tar } from '../engine/test/tar-fixture.ts';
import { expect, test } from './app.ts';

const ACCOUNT = { username: 'tester', password: 'right password' };

let registry: FakeRegistry;
test.beforeEach(async () => {
  registry = await startFakeRegistry();
});
test.afterEach(() => registry.close());

/** An image of two layers; the second changes and deletes files of the first. */
function addImage(name: string): void {
  const below = tar([
    { name: 'etc/motd', content: 'old' },
    { name: 'big', content: randomBytes(600_000) },
  ]);
  const above = tar([
    { name: 'etc/motd', content: randomBytes(300_000) },
    { name: '.wh.big', content: '' },
  ]);
  const image = registry.addImage(name, { layers: [below, above] });
  const manifest = registry.manifests.get(`${name}:${image.digest}`);
  if (manifest) registry.manifests.set(`${name}:1`, manifest);
}

test('an image is pulled with progress per layer, explored, and known to be the newest', async ({
  page,
  open,
}) => {
  addImage('team/app');
  const held = gate();
  registry.fault = async (request, response) => {
    if (request.method !== 'GET' || !request.url?.includes('/blobs/')) return false;
    const content = registry.blobs.get(request.url.slice(request.url.lastIndexOf('/') + 1));
    if (!content || content.length < 100_000) return false;
    response.writeHead(200, { 'Content-Length': content.length });
    response.write(content.subarray(0, 100_000));
    await held.passed;
    response.end(content.subarray(100_000));
    return true;
  };
  const name = `${registry.host}/team/app:1`;
  await open('/images');
  await page.getByRole('button', { name: 'Pull', exact: true }).click();
  await page.getByRole('dialog').getByLabel('Image').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Pull' }).click();
  const transfer = page.getByRole('article', { name: `Pulling ${name}` });
  await expect(transfer.getByText('Downloading').first()).toBeVisible();
  await expect(transfer).toContainText(/0 of 2 layers · \d+ kB of 901 kB/);
  held.open();
  await expect(page.getByRole('article', { name: `Pulled ${name}` })).toContainText('2 of 2 layers');
  const row = page.getByRole('row', { name: /team\/app:1/ });
  await row.getByRole('button', { name: `More actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Check for a newer image' }).click();
  await expect(page.getByText(`${name} is the newest of its tag`)).toBeVisible();

  await row.getByRole('button', { name: `More actions for ${name}` }).click();
  await page.getByRole('menuitem', { name: 'Layers' }).click();
  const drawer = page.getByRole('dialog');
  await expect(drawer.getByText(/600 kB wasted/)).toBeVisible();
  await expect(drawer.getByRole('listitem').filter({ hasText: '/big' })).toContainText('deleted');
  await expect(drawer.getByRole('listitem').filter({ hasText: '/etc/motd' })).toContainText('changed');
});

test('an image that is not there says so, and a cancelled pull leaves nothing', async ({
  page,
  open,
  engine,
}) => {
  addImage('team/slow');
  registry.fault = (request, response) => {
    if (!request.url?.includes('/blobs/') || request.url.includes('uploads')) return false;
    const content = registry.blobs.get(request.url.slice(request.url.lastIndexOf('/') + 1));
    if (!content || content.length < 100_000) return false;
    response.writeHead(200, { 'Content-Length': content.length }).write(content.subarray(0, 50_000));
    return true;
  };
  const pull = async (name: string) => {
    await page.getByRole('button', { name: 'Pull', exact: true }).click();
    await page.getByRole('dialog').getByLabel('Image').fill(name);
    await page.getByRole('dialog').getByRole('button', { name: 'Pull' }).click();
  };
  await open('/images');
  await pull(`${registry.host}/team/none:1`);
  await expect(page.getByRole('alert')).toContainText(
    `manifest for ${registry.host}/team/none:1 not found: manifest unknown`,
  );
  const name = `${registry.host}/team/slow:1`;
  await pull(name);
  const transfer = page.getByRole('article', { name: `Pulling ${name}` });
  await expect(transfer.getByText('Downloading').first()).toBeVisible();
  await transfer.getByRole('button', { name: 'Cancel' }).click();
  await expect(page.getByRole('article', { name: `Pull of ${name} cancelled` })).toBeVisible();
  await expect(page.getByRole('row', { name: /team\/slow/ })).toHaveCount(0);
  expect(await engine.dockerOk('images', '-q', name)).toBe('');
});

test('a login is kept apart from the app, opens the catalogue, and is used for a push', async ({
  page,
  open,
  engine,
}) => {
  registry.authentication = { kind: 'basic', ...ACCOUNT };
  addImage('team/app');
  const name = `${registry.host}/team/pushed:1`;
  await engine.dockerOk('tag', 'busybox', name);
  await open('/images?view=registries');
  await page.getByRole('button', { name: 'Log in' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Registry').fill(registry.host);
  await dialog.getByLabel('User name').fill(ACCOUNT.username);
  await dialog.getByLabel('Password').fill('wrong');
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await expect(dialog.getByText(/failed with status: 401/)).toBeVisible();
  await dialog.getByLabel('Password').fill(ACCOUNT.password);
  await dialog.getByRole('button', { name: 'Log in' }).click();
  await expect(dialog).toHaveCount(0);
  await expect(page.getByRole('listitem').filter({ hasText: ACCOUNT.username })).toContainText(registry.host);

  await page.getByRole('button', { name: registry.host, exact: true }).click();
  await page.getByRole('button', { name: 'team/app' }).click();
  await page.getByRole('button', { name: `Pull ${registry.host}/team/app:1` }).click();
  await expect(page.getByRole('article', { name: `Pulled ${registry.host}/team/app:1` })).toBeVisible();

  await page.getByRole('tab', { name: /Images/ }).click();
  await page.getByRole('button', { name: /^More actions for .*busybox/ }).click();
  await page.getByRole('menuitem', { name: `Push ${name}` }).click();
  await expect(page.getByRole('article', { name: /Pushed / })).toBeVisible();
  expect(registry.manifests.has('team/pushed:1')).toBe(true);
  const kept = readFileSync(`${engine.directory}/app/registries.json`, 'utf8');
  expect(kept).toContain(registry.host);
  expect(engine.log()).not.toContain(ACCOUNT.password);
  await engine.dockerOk('rmi', name);
});
