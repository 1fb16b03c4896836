import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from './app.ts';

const row = (page: Page, name: string) => page.getByRole('row', { name });

test('a volume is made, browsed, edited, backed up, restored beside a safety copy, and cloned', async ({
  page,
  open,
  engine,
}) => {
  const content = (volume: string, ...names: string[]): string =>
    path.join(engine.dataRoot, 'volumes', volume, '_data', ...names);
  const archive = path.join(engine.directory, 'backup.tar.zst');
  await open('/volumes');

  await test.step('with labels, by the form', async () => {
    await page.getByRole('button', { name: 'Create volume' }).first().click();
    const form = page.getByRole('dialog', { name: 'Create volume' });
    await form.getByLabel('Name', { exact: true }).fill('shop');
    await form.getByLabel('Mount options').fill('ro');
    await form.getByRole('button', { name: 'Create', exact: true }).click();
    await expect(form.getByText('“none” for a folder')).toBeVisible();
    await form.getByLabel('Mount options').fill('');
    await form.getByRole('button', { name: 'Add label' }).click();
    await form.getByLabel('Label', { exact: true }).fill('team');
    await form.getByLabel('Value').fill('a');
    await form.getByRole('button', { name: 'Create', exact: true }).click();
    await expect(row(page, 'shop')).toBeVisible();
    const labels = await engine.dockerOk('volume', 'inspect', '-f', '{{.Labels.team}}', 'shop');
    expect(labels).toBe('a');
  });

  await test.step('its files are made, edited, renamed, deleted and dropped in', async () => {
    await row(page, 'shop').click();
    await page.getByRole('button', { name: 'New folder' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('conf');
    await page.getByRole('button', { name: 'Create', exact: true }).click();
    await row(page, 'conf').click();
    await expect(page.getByText('This folder is empty')).toBeVisible();
    const settings = { name: 'settings', mimeType: 'text/plain', buffer: Buffer.from('colour=red\r\n') };
    await page.getByLabel('Upload', { exact: true }).last().setInputFiles([settings]);
    await row(page, 'settings').click();
    const drawer = page.getByRole('dialog', { name: 'settings' });
    await drawer.locator('.cm-content').click();
    await page.keyboard.press('ControlOrMeta+a');
    await page.keyboard.insertText('colour=blue\n');
    await page.keyboard.press('ControlOrMeta+s');
    await expect(page.getByText('settings saved')).toBeVisible();
    expect(readFileSync(content('shop', 'conf/settings'), 'utf8')).toBe('colour=blue\r\n');
    await drawer.getByRole('button', { name: 'Close' }).click();
    await drop(page, 'dropped.txt', 'x');
    await expect(row(page, 'dropped.txt')).toBeVisible();
    await drop(page, 'dropped.txt', 'other');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel' }).click();
    expect(readFileSync(content('shop', 'conf/dropped.txt'), 'utf8')).toBe('x');
    await row(page, 'dropped.txt').getByRole('button', { name: 'More actions' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('dialog').getByLabel('Name').fill('settings');
    await page.getByRole('button', { name: 'Rename', exact: true }).click();
    await expect(page.getByRole('dialog').getByText('file exists')).toBeVisible();
    await page.getByRole('dialog').getByLabel('Name').fill('renamed.txt');
    await page.getByRole('button', { name: 'Rename', exact: true }).click();
    await row(page, 'renamed.txt').focus();
    await page.keyboard.press('Delete');
    await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click();
    await expect(row(page, 'renamed.txt')).toBeHidden();
    expect(readdirSync(content('shop', 'conf'))).toEqual(['settings']);
  });

  await test.step('a backup is a tar.zst of it', async () => {
    const download = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Back up' }).click();
    await (await download).saveAs(archive);
    expect((await download).suggestedFilename()).toMatch(/^shop-\d{4}-\d\d-\d\d\.tar\.zst$/);
    const names = execFileSync('tar', ['--zstd', '-tf', archive], { encoding: 'utf8' });
    expect(names.split('\n')).toContain('./conf/settings');
  });

  await test.step('a restore waits for its containers, refuses what is no archive, and keeps what was there', async () => {
    await engine.dockerOk('run', '-d', '--name', 'user', '-v', 'shop:/s', 'busybox', 'sleep', '1000');
    await engine.dockerOk('exec', 'user', 'sh', '-c', 'rm -r /s/conf; echo precious > /s/later');
    await page.getByRole('button', { name: 'Restore…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Restore shop' });
    await dialog.getByLabel('Choose archive…').last().setInputFiles(archive);
    await expect(dialog.getByRole('link', { name: 'user' })).toBeVisible();
    await expect(dialog.getByRole('button', { name: 'Restore', exact: true })).toBeDisabled();
    await engine.dockerOk('stop', '-t', '0', 'user');
    const broken = path.join(engine.directory, 'broken.tar');
    await writeFile(broken, 'this is no archive'.repeat(100));
    await dialog.getByLabel('Choose archive…').last().setInputFiles(broken);
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    await expect(dialog.getByRole('alert')).toContainText('cannot restore volume shop');
    expect(readdirSync(content('shop'))).toEqual(['later']);
    await dialog.getByLabel('Choose archive…').last().setInputFiles(archive);
    await dialog.getByRole('button', { name: 'Restore', exact: true }).click();
    const safety = dialog.getByRole('link', { name: 'shop-before-restore' });
    await expect(safety).toBeVisible();
    expect(readFileSync(content('shop', 'conf/settings'), 'utf8')).toBe('colour=blue\r\n');
    expect(readFileSync(content((await safety.textContent()) ?? '', 'later'), 'utf8')).toBe('precious\n');
    await safety.click();
    await expect(row(page, 'later')).toBeVisible();
    await engine.dockerOk('rm', 'user');
  });

  await test.step('a clone is another volume with the same files', async () => {
    await page.getByRole('link', { name: 'All volumes' }).click();
    await page.getByRole('row', { name: 'shop', exact: false }).first().click();
    await page.getByRole('button', { name: /More actions for shop/ }).click();
    await page.getByRole('menuitem', { name: 'Clone…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Name of the new volume').fill('shop-copy');
    await dialog.getByRole('button', { name: 'Clone' }).click();
    await expect(page.getByText('Volume shop-copy made')).toBeVisible();
    expect(readdirSync(content('shop-copy')).length).toBeGreaterThan(0);
  });

  await test.step('prune tells before what goes', async () => {
    await page.getByRole('link', { name: 'All volumes' }).click();
    await page.getByRole('button', { name: 'Prune' }).click();
    const dialog = page.getByRole('dialog', { name: 'Remove unused volumes?' });
    await expect(dialog.getByText('There is nothing to remove')).toBeVisible();
    await dialog.getByLabel('Also volumes that have names').click();
    await expect(dialog.getByRole('listitem')).toHaveCount(3);
    await dialog.getByRole('button', { name: /^Free / }).click();
    await expect(page.getByText('No volumes yet')).toBeVisible();
  });
});

test('what a container wrote outside of volumes is shown, and moved to one with a click', async ({
  page,
  open,
  engine,
}) => {
  const script =
    '[ -e /srv/data ] || { mkdir /srv/data; head -c 300000 /dev/zero > /srv/data/table; }; sleep 1000';
  const flags = ['-d', '--name', 'shop-db', '--stop-signal', 'KILL', '-v', 'apart:/v'];
  const id = await engine.dockerOk('run', ...flags, 'busybox', 'sh', '-c', `mkdir -p /srv; ${script}`);
  await expect
    .poll(() => engine.docker('exec', id, 'ls', '/srv/data/table').then(({ code }) => code))
    .toBe(0);
  await open(`/containers/${id}`);
  const card = page.getByRole('region', { name: 'Written outside volumes' });
  await expect(card.getByText('300 kB would be lost')).toBeVisible();
  await card.getByRole('button', { name: 'Move /srv/data to a volume' }).click();
  const dialog = page.getByRole('dialog', { name: 'Move a folder to a volume' });
  await expect(dialog.getByText('-v shop-db-srv-data:/srv/data')).toBeVisible();
  await dialog.getByRole('button', { name: 'Move to a volume' }).click();
  await expect(card.getByText('300 kB would be lost')).toBeHidden();
  await expect(page.getByRole('region', { name: 'Mounts' }).getByText('/srv/data')).toBeVisible();
  expect(await engine.dockerOk('exec', 'shop-db', 'stat', '-c', '%s', '/srv/data/table')).toBe('300000');

  await test.step('files of a stopped container are edited, too', async () => {
    await engine.dockerOk('stop', '-t', '0', id);
    await page.getByRole('tab', { name: 'Files' }).click();
    await row(page, 'etc').click();
    await row(page, 'hostname').click();
    await page.getByRole('dialog', { name: 'hostname' }).locator('.cm-content').click();
    await page.keyboard.insertText('edited-');
    await page.keyboard.press('ControlOrMeta+s');
    await expect(page.getByText('hostname saved')).toBeVisible();
    expect(await engine.dockerOk('cp', `${id}:/etc/hostname`, '-')).toContain('edited-');
  });
});

/** A file from outside, as the browser tells of it. */
async function drop(page: Page, name: string, content: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    ([file = '', text = '']) => {
      const data = new DataTransfer();
      data.items.add(new File([text], file));
      return data;
    },
    [name, content],
  );
  const target = page.getByRole('tabpanel');
  await target.getByRole('navigation').dispatchEvent('dragover', { dataTransfer: transfer });
  await expect(page.getByText('Drop files to upload them')).toBeVisible();
  await target.getByRole('navigation').dispatchEvent('drop', { dataTransfer: transfer });
}
