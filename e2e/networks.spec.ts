import { expect, test } from './app.ts';

/** A server on all addresses and one on 127.0.0.1 only. */
const SERVER = 'httpd -p 80 && httpd -p 127.0.0.1:81 && exec sleep 1000';

test('create with options → connect → map → who reaches whom → disconnect → remove', async ({
  page,
  open,
  engine,
}) => {
  const subnetOf = async (name: string): Promise<string> => {
    await engine.dockerOk('network', 'create', name);
    return engine.dockerOk('network', 'inspect', '-f', '{{(index .IPAM.Config 0).Subnet}}', name);
  };
  const taken = await subnetOf('taken');
  // What the engine chose is free on this machine.
  const free = (await subnetOf('spare')).replace(/\.0\.0\/16$|\.\d+\/\d+$/, '');
  await engine.dockerOk('network', 'rm', 'spare');
  const prefix = free.split('.').length === 2 ? `${free}.8` : free;
  await engine.dockerOk('run', '-d', '--name', 'server', 'busybox', 'sh', '-c', SERVER);
  await engine.dockerOk('run', '-d', '--name', 'client', '-p', '127.0.0.1::80', 'busybox', 'sleep', '1000');
  await open('/networks');
  const dialog = page.getByRole('dialog');
  const listed = (name: string) => engine.dockerOk('network', 'ls', '-q', '--filter', `name=${name}`);
  const inspect = (format: string) => engine.dockerOk('network', 'inspect', '-f', format, 'lab');

  await test.step('the form says while typing what cannot be, and which command it is', async () => {
    await page.getByRole('button', { name: 'Create network' }).click();
    await dialog.getByLabel('Name', { exact: true }).fill('lab');
    await dialog.getByRole('button', { name: 'Add subnet' }).click();
    await dialog.getByLabel('Subnet', { exact: true }).fill(taken);
    await expect(dialog.getByText('Overlaps with the network taken')).toBeVisible();
    await expect(dialog.getByRole('button', { name: 'Create', exact: true })).toBeDisabled();
    await dialog.getByLabel('Subnet', { exact: true }).fill(`${prefix}.0/24`);
    await dialog.getByLabel('Gateway', { exact: true }).fill('192.0.2.1');
    await expect(dialog.getByText(`An address within ${prefix}.0/24`)).toBeVisible();
    await dialog.getByLabel('Gateway', { exact: true }).fill(`${prefix}.254`);
    await dialog.getByLabel('MTU').fill('1400');
    await dialog.getByRole('button', { name: 'Add option' }).click();
    await dialog.getByLabel('Option', { exact: true }).fill('com.docker.network.bridge.enable_icc');
    await dialog.getByLabel('Option’s value').fill('true');
    await dialog.getByRole('button', { name: 'Add label' }).click();
    await dialog.getByLabel('Label', { exact: true }).fill('team');
    await dialog.getByLabel('Label’s value').fill('a b');
    await expect(dialog.getByRole('region', { name: 'The same as a command' })).toContainText(
      `docker network create --subnet ${prefix}.0/24 --gateway ${prefix}.254 --opt com.docker.network.driver.mtu=1400 --opt com.docker.network.bridge.enable_icc=true --label 'team=a b' lab`,
    );
    await dialog.getByRole('button', { name: 'Create', exact: true }).click();
    await expect(page.getByRole('row', { name: /lab/ })).toBeVisible();
    expect(await inspect('{{json .Options}} {{json .Labels}} {{json .IPAM.Config}}')).toBe(
      `{"com.docker.network.bridge.enable_icc":"true","com.docker.network.driver.mtu":"1400"} {"team":"a b"} [{"Subnet":"${prefix}.0/24","Gateway":"${prefix}.254"}]`,
    );
  });

  await test.step('a container is connected live, with an address and an alias', async () => {
    await page.getByRole('row', { name: /lab/ }).click();
    await dialog.getByRole('button', { name: 'Connect a container' }).click();
    const connect = page.getByRole('dialog', { name: 'Connect a container to lab' });
    await connect.getByLabel('Container', { exact: true }).selectOption('server');
    await connect.getByLabel('IPv4 address').fill(`${prefix}.254`);
    await expect(connect.getByText('Somebody has this address')).toBeVisible();
    await connect.getByLabel('IPv4 address').fill(`${prefix}.77`);
    await connect.getByLabel('Aliases').fill('web');
    await connect.getByRole('button', { name: 'Connect', exact: true }).click();
    await expect(dialog.getByText(`${prefix}.77`, { exact: true })).toBeVisible();
    await expect(dialog.getByText('Aliases: web')).toBeVisible();
    expect(await inspect('{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}')).toBe(
      `server ${prefix}.77/24`,
    );
    await page.keyboard.press('Escape');
  });

  await test.step('the map shows networks, containers, published ports and live rates', async () => {
    await page.getByRole('tab', { name: 'Map' }).click();
    const map = page.getByRole('group', { name: 'Map of networks and containers' });
    await expect(map.getByRole('button', { name: `lab, ${prefix}.0/24, 1 container` })).toBeVisible();
    await expect(map.getByRole('button', { name: /^This machine, Published ports/ })).toBeVisible();
    const box = map.getByRole('button', { name: /^server, bridge, lab$/ });
    await expect(box.getByText(/\/s.*\/s/)).toHaveCount(2);
    await map.getByRole('button', { name: /^bridge/ }).focus();
    await page.keyboard.press('ArrowRight');
    await expect(map.getByRole('button', { name: /^client, bridge/ })).toBeFocused();
    await map.getByRole('button', { name: /^lab/ }).click();
    await expect(page.getByRole('dialog', { name: 'lab' })).toBeVisible();
    await page.keyboard.press('Escape');
  });

  await test.step('the tester names the hop that fails, and what to do', async () => {
    await page.getByRole('button', { name: 'Can A reach B?' }).click();
    const verdict = dialog.locator('[data-verdict]');
    const ask = async (port: string) => {
      await dialog.getByLabel('Port', { exact: true }).fill(port);
      await dialog.getByRole('button', { name: /^Test/ }).click();
    };
    await dialog.getByLabel('From container').selectOption('client');
    await dialog.getByLabel('Container', { exact: true }).selectOption('server');
    await ask('80');
    await expect(verdict).toHaveAttribute('data-verdict', 'name-on-default-bridge');
    await engine.dockerOk('network', 'connect', 'lab', 'client');
    await ask('80');
    await expect(verdict).toHaveText('client reaches server on port 80.');
    await ask('81');
    await expect(verdict).toContainText('Bind the server to 0.0.0.0 (or ::) instead of 127.0.0.1.');
    await expect(dialog.getByText('listens at 127.0.0.1')).toBeVisible();
    await ask('82');
    await expect(verdict).toContainText('Nobody listens on port 82 of server.');
    await dialog.getByRole('button', { name: 'Close' }).last().click();
  });

  await test.step('a container is disconnected, and a network in use says who uses it', async () => {
    await page.getByRole('tab', { name: 'List' }).click();
    await page.getByRole('row', { name: /lab/ }).click();
    await dialog.getByRole('button', { name: 'Disconnect client' }).click();
    await page.getByRole('alertdialog').getByRole('button', { name: 'Disconnect' }).click();
    await expect(dialog.getByRole('button', { name: 'Disconnect client' })).toHaveCount(0);
    expect(await inspect('{{range .Containers}}{{.Name}}{{end}}')).toBe('server');
    await dialog.getByRole('button', { name: 'Remove lab' }).click();
    const question = page.getByRole('alertdialog', { name: 'lab is in use' });
    await expect(question).toContainText('server');
    await question.getByRole('button', { name: 'Disconnect all and remove' }).click();
    await expect.poll(() => listed('lab')).toBe('');
    await expect(dialog).toHaveCount(0);
    await expect(page.getByRole('row', { name: /lab/ })).toHaveCount(0);
  });

  await test.step('prune shows what will go', async () => {
    await page.getByRole('button', { name: 'Prune' }).click();
    const question = page.getByRole('alertdialog');
    await expect(question.getByRole('listitem')).toHaveText(['taken']);
    await question.getByRole('button', { name: 'Prune' }).click();
    await expect.poll(() => listed('taken')).toBe('');
    await expect(page.getByRole('row', { name: /taken/ })).toHaveCount(0);
  });
});
