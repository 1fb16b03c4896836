import { beforeEach, describe, expect, test } from 'vitest';
import type { ContainerCreateRequest } from '../wire/container.ts';
import type { ComposeClient, ContainerRow } from './client.ts';
import { down, stopOrder } from './down.ts';
import { loadCompose } from './load.ts';
import { configHash, LABEL } from './requests.ts';
import { up, type Progress } from './up.ts';

/** An engine in memory that writes down what it is asked. */
class FakeEngine implements ComposeClient {
  readonly calls: string[] = [];
  readonly requests: (ContainerCreateRequest & { name: string })[] = [];
  containers: ContainerRow[] = [];
  networks: { Id: string; Name: string; Labels: Record<string, string> }[] = [];
  volumes: { Name: string; Labels: Record<string, string> }[] = [];
  images: Record<string, string> = { busybox: 'sha256:1' };
  apiVersion = '1.44';
  failOn: string | undefined;
  health: string | undefined;

  async #call(text: string): Promise<void> {
    this.calls.push(text);
    if (text === this.failOn) throw new Error(`engine said no to ${text}`);
  }
  async version() {
    return { ApiVersion: this.apiVersion };
  }
  async listContainers() {
    return this.containers.map((row) => ({ ...row, Names: [...row.Names] }));
  }
  async listNetworks() {
    return this.networks;
  }
  async listVolumes() {
    return { Volumes: this.volumes };
  }
  async createNetwork(request: { Name: string; Labels: Record<string, string> }) {
    await this.#call(`create network ${request.Name}`);
    this.networks.push({ Id: `id-${request.Name}`, Name: request.Name, Labels: request.Labels });
  }
  async createVolume(request: { Name: string; Labels: Record<string, string> }) {
    await this.#call(`create volume ${request.Name}`);
    this.volumes.push(request);
  }
  async createContainer(request: ContainerCreateRequest & { name: string }) {
    await this.#call(`create ${request.name}`);
    this.requests.push(request);
    const id = `c${this.requests.length}`.padEnd(64, '0');
    const Labels = request.Labels ?? {};
    this.containers.push({ Id: id, Names: [`/${request.name}`], State: 'created', Labels, Mounts: [] });
    return { id };
  }
  getContainer(id: string) {
    const row = () => this.containers.find(({ Id }) => Id === id)!;
    const name = row().Names[0]!.slice(1);
    const State = { Running: true, ExitCode: 0, ...(this.health && { Health: { Status: this.health } }) };
    return {
      inspect: async () => ({ State }),
      start: async () => {
        await this.#call(`start ${row().Names[0]!.slice(1)}`);
        row().State = 'running';
      },
      stop: () => this.#call(`stop ${name}`),
      rename: async (options: { name: string }) => {
        await this.#call(`rename ${name} ${options.name}`);
        row().Names = [`/${options.name}`];
      },
      remove: async (options: { v?: boolean }) => {
        await this.#call(`remove ${name}${options.v ? ' with volumes' : ''}`);
        this.containers = this.containers.filter(({ Id }) => Id !== id);
      },
      wait: async () => ({ StatusCode: 0 }),
    };
  }
  getNetwork(id: string) {
    return {
      connect: (request: { Container?: string }) =>
        this.#call(`connect ${id} ${request.Container?.slice(0, 2)}`),
      remove: () => this.#call(`remove network ${id}`),
    };
  }
  getVolume(name: string) {
    return { remove: () => this.#call(`remove volume ${name}`) };
  }
  async pullImage(name: string) {
    await this.#call(`pull ${name}`);
    this.images[name] = 'sha256:2';
  }
  getImage(name: string) {
    const Id = this.images[name];
    return {
      inspect: async () => {
        if (Id === undefined) throw Object.assign(new Error('no such image'), { statusCode: 404 });
        return { Id };
      },
    };
  }
}

const FILE = `
services:
  web: {image: busybox, depends_on: [db], networks: [front, back], volumes: ["data:/d"]}
  db: {image: busybox, networks: [back]}
networks: {front: , back: }
volumes: {data: }
`;

let engine: FakeEngine;
beforeEach(() => (engine = new FakeEngine()));

function load(text: string) {
  const { model, diagnostics } = loadCompose(text, { project: 'p', projectDirectory: '/p', variables: {} });
  expect(diagnostics).toEqual([]);
  return model!;
}

const place = { workingDirectory: '/p', configFile: '/p/compose.yaml' };

/** What was said, the failure last. */
async function collect(source: AsyncGenerator<Progress, void>): Promise<string[]> {
  const said: string[] = [];
  try {
    for await (const { name, status } of source) said.push(`${name} ${status}`);
  } catch (error) {
    said.push(`failed: ${(error as Error).message}`);
  }
  return said;
}

const runUp = (text = FILE) => collect(up(load(text), { client: engine, ...place }));

describe('up', () => {
  test('makes networks, volumes, then services after what they depend on', async () => {
    expect(await runUp()).toEqual([
      'p_front Creating',
      'p_front Created',
      'p_back Creating',
      'p_back Created',
      'p_data Creating',
      'p_data Created',
      'p-db-1 Creating',
      'p-db-1 Created',
      'p-db-1 Starting',
      'p-db-1 Started',
      'p-web-1 Creating',
      'p-web-1 Created',
      'p-web-1 Starting',
      'p-web-1 Started',
    ]);
    expect(engine.calls).toEqual([
      'create network p_front',
      'create network p_back',
      'create volume p_data',
      'create p-db-1',
      'start p-db-1',
      'create p-web-1',
      'start p-web-1',
    ]);
  });

  test('writes the labels of docker compose and the service name as alias', async () => {
    await runUp();
    const [, web] = engine.requests;
    expect(web!.Labels).toEqual({
      [LABEL.project]: 'p',
      [LABEL.service]: 'web',
      [LABEL.number]: '1',
      [LABEL.oneoff]: 'False',
      [LABEL.configHash]: configHash(load(FILE), 'web'),
      [LABEL.workingDirectory]: '/p',
      [LABEL.configFiles]: '/p/compose.yaml',
      [LABEL.dependsOn]: 'db:service_started:false',
      [LABEL.image]: 'sha256:1',
      [LABEL.version]: 'gantry',
    });
    expect(web!.NetworkingConfig?.EndpointsConfig).toEqual({
      p_front: { Aliases: ['p-web-1', 'web'] },
      p_back: { Aliases: ['p-web-1', 'web'] },
    });
    expect(engine.networks[0]?.Labels).toMatchObject({ [LABEL.project]: 'p', [LABEL.network]: 'front' });
  });

  test('connects further networks one by one on an older engine, and removes what could not be connected', async () => {
    engine.apiVersion = '1.43';
    engine.failOn = 'connect p_back c2';
    expect((await runUp()).at(-1)).toBe('failed: engine said no to connect p_back c2');
    expect(engine.calls.slice(-3)).toEqual(['create p-web-1', 'connect p_back c2', 'remove p-web-1']);
    engine.failOn = undefined;
    await runUp();
    expect(engine.calls.slice(-3)).toEqual(['create p-web-1', 'connect p_back c3', 'start p-web-1']);
    expect(Object.keys(engine.requests.at(-1)!.NetworkingConfig!.EndpointsConfig!)).toEqual(['p_front']);
  });

  test('changes nothing the second time', async () => {
    await runUp();
    engine.calls.length = 0;
    expect(await runUp()).toEqual(['p-db-1 Running', 'p-web-1 Running']);
    expect(engine.calls).toEqual([]);
  });

  test('starts what was stopped', async () => {
    await runUp();
    engine.containers[0]!.State = 'exited';
    expect(await runUp()).toEqual(['p-db-1 Starting', 'p-db-1 Started', 'p-web-1 Running']);
  });

  test('recreates only the service whose configuration changed, the new one before the old one goes', async () => {
    await runUp();
    engine.calls.length = 0;
    expect(await runUp(FILE.replace('db: {', 'db: {user: "1", '))).toContain('p-db-1 Recreate');
    const temporary = `${'c1'.padEnd(12, '0')}_p-db-1`;
    expect(engine.calls).toEqual([
      `create ${temporary}`,
      'stop p-db-1',
      'remove p-db-1',
      `rename ${temporary} p-db-1`,
      'start p-db-1',
    ]);
  });

  test('recreates when the tag points to another image', async () => {
    await runUp();
    engine.images['busybox'] = 'sha256:2';
    expect(await runUp()).toContain('p-web-1 Recreated');
  });

  test('keeps the old container running when the new one cannot be made', async () => {
    await runUp();
    engine.calls.length = 0;
    engine.failOn = `create ${'c1'.padEnd(12, '0')}_p-db-1`;
    const said = await runUp(FILE.replace('db: {', 'db: {user: "1", '));
    expect(said.slice(-2)).toEqual(['p-db-1 Error', `failed: engine said no to ${engine.failOn}`]);
    expect(engine.calls).toEqual([engine.failOn]);
  });

  test('moves anonymous volumes into the new container', async () => {
    await runUp();
    const volume = 'a'.repeat(64);
    engine.containers[0]!.Mounts = [{ Type: 'volume', Name: volume, Destination: '/var/db' }];
    await runUp(FILE.replace('db: {', 'db: {user: "1", '));
    expect(engine.requests.at(-1)!.HostConfig?.Mounts).toEqual([
      { Type: 'volume', Source: volume, Target: '/var/db' },
    ]);
  });

  test('pulls an image that is not there first, once however many services want it', async () => {
    engine.images = {};
    const said = await runUp();
    expect(said.slice(0, 2)).toEqual(['busybox Pulling', 'busybox Pulled']);
    expect(engine.calls.filter((call) => call.startsWith('pull'))).toEqual(['pull busybox']);
    expect(engine.calls[0]).toBe('pull busybox');
    expect(engine.requests[0]?.Labels?.[LABEL.image]).toBe('sha256:2');
  });

  test('with an image that cannot be pulled changes nothing and tells why', async () => {
    engine.images = {};
    engine.failOn = 'pull busybox';
    const said = await runUp();
    expect(said).toEqual(['busybox Pulling', 'busybox Error', 'failed: engine said no to pull busybox']);
    expect(engine.calls).toEqual(['pull busybox']);
  });

  test('with a missing external network changes nothing', async () => {
    const said = await runUp(
      'services: {a: {image: busybox, networks: [n]}}\nnetworks: {n: {external: true}}\n',
    );
    expect(said).toEqual(['n Error', 'failed: the external network n does not exist']);
  });

  test('tells orphans and removes surplus containers of a service', async () => {
    await runUp();
    engine.containers.push({
      ...engine.containers[0]!,
      Id: 'd'.repeat(64),
      Names: ['/p-db-2'],
      Labels: { ...engine.containers[0]!.Labels, [LABEL.number]: '2' },
    });
    const said = await runUp('services: {db: {image: busybox, networks: [back]}}\nnetworks: {back: }\n');
    expect(said).toEqual(['p-web-1 Orphan', 'p-db-2 Removing', 'p-db-2 Removed', 'p-db-1 Running']);
  });

  test('waits for health, and stops where there is no health check', async () => {
    const text =
      'services:\n  a: {image: busybox, depends_on: {b: {condition: service_healthy}}}\n  b: {image: busybox}\n';
    engine.health = 'healthy';
    expect(await runUp(text)).toContain('p/b Healthy');
    engine = new FakeEngine();
    expect((await runUp(text)).at(-1)).toBe(
      'failed: the service b, which others depend on, has no health check',
    );
    expect(engine.calls).not.toContain('create p-a-1');
  });
});

describe('down', () => {
  test('removes dependents first, then networks; volumes only when asked', async () => {
    await runUp();
    engine.calls.length = 0;
    await collect(down('p', { client: engine, volumes: false }));
    expect(engine.calls).toEqual([
      'stop p-web-1',
      'remove p-web-1',
      'stop p-db-1',
      'remove p-db-1',
      'remove network id-p_front',
      'remove network id-p_back',
    ]);
    engine.calls.length = 0;
    await collect(down('p', { client: engine, volumes: true }));
    expect(engine.calls).toContain('remove volume p_data');
  });

  test('goes on after a failure and tells it in the end', async () => {
    await runUp();
    engine.failOn = 'remove network id-p_front';
    const said = await collect(down('p', { client: engine, volumes: false }));
    expect(said).toContain('p_front Error');
    expect(said.slice(-3)).toEqual([
      'p_back Removing',
      'p_back Removed',
      'failed: engine said no to remove network id-p_front',
    ]);
  });

  test('a circle in the labels of others still ends', () => {
    const row = (service: string, needs: string) => ({
      Id: service,
      Names: [],
      State: 'running',
      Mounts: [],
      Labels: { [LABEL.service]: service, [LABEL.dependsOn]: `${needs}:service_started:false` },
    });
    expect(stopOrder([row('a', 'b'), row('b', 'a')]).map((level) => level.length)).toEqual([2]);
  });
});
