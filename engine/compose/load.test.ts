import { readFileSync } from 'node:fs';
import Ajv from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { loadCompose } from './load.ts';
import type { ServiceModel } from './model.ts';
import { composeSchema } from './schema.ts';
import { serviceTable } from './services.ts';

const options = { project: 'shop', projectDirectory: '/srv/shop', variables: { TAG: '1.36', PORT: '8080' } };

function messages(text: string): string[] {
  return loadCompose(text, options).diagnostics.map(
    (d) => `${d.line ?? '-'}:${d.column ?? '-'} ${d.message}`,
  );
}

function service(body: string): ServiceModel {
  const text = `services:\n  web:\n    image: busybox\n${body.replaceAll(/^/gm, '    ')}\nvolumes: {data: }\n`;
  const { model, diagnostics } = loadCompose(text, options);
  expect(diagnostics).toEqual([]);
  return model!.services.get('web')!;
}

const FULL = readFileSync(new URL('fixtures/full.yaml', import.meta.url), 'utf8');

describe('a valid file', () => {
  test('with every supported key loads without a complaint, and its schema agrees', () => {
    expect(loadCompose(FULL, options).diagnostics).toEqual([]);
    const validate = new Ajv({ allowUnionTypes: true }).compile(composeSchema);
    expect(validate(parse(FULL, { merge: true })), JSON.stringify(validate.errors)).toBe(true);
  });

  test('gets the project default network, short names and prefixed volumes', () => {
    const { model } = loadCompose('services:\n  a: {image: x, volumes: ["v:/v"]}\nvolumes:\n  v:\n', options);
    expect(model!.networks.get('default')).toMatchObject({ name: 'shop_default', external: false });
    expect(model!.volumes.get('v')).toMatchObject({ name: 'shop_v', driver: 'local' });
    expect([...model!.services.get('a')!.networks.keys()]).toEqual(['default']);
  });

  test('takes variables, and a bare environment name its value', () => {
    expect(service('environment:\n  - TAG\n  - NONE\n  - A=${PORT:-1}')).toMatchObject({
      environment: ['TAG=1.36', 'A=8080'],
    });
    expect(service('environment: {N: 1, T: true, E: "", X: }').environment).toEqual(['N=1', 'T=true', 'E=']);
  });

  test('knows the forms of ports', () => {
    const at = (text: string) => service(`ports: [${text}]`).ports.map((p) => Object.values(p).join(' '));
    expect(at('"80"')).toEqual(['  80 tcp']);
    expect(at('80')).toEqual(['  80 tcp']);
    expect(at('"8080:80"')).toEqual([' 8080 80 tcp']);
    expect(at('"127.0.0.1:8080:80/udp"')).toEqual(['127.0.0.1 8080 80 udp']);
    expect(at('"[::1]:53:53/udp"')).toEqual(['::1 53 53 udp']);
    expect(at('"8000-8001:80-81"')).toEqual([' 8000 80 tcp', ' 8001 81 tcp']);
    expect(at('"8000-8009:80"')).toEqual([' 8000-8009 80 tcp']);
    expect(at('"127.0.0.1::80"')).toEqual(['127.0.0.1  80 tcp']);
    expect(at('{target: 80, published: 8080, host_ip: 127.0.0.1}')).toEqual(['127.0.0.1 8080 80 tcp']);
  });

  test('knows the forms of mounts', () => {
    const at = (text: string) => service(`volumes: [${text}]`).mounts[0];
    expect(at('"data:/d:ro"')).toMatchObject({
      type: 'volume',
      source: 'data',
      target: '/d',
      readonly: true,
    });
    expect(at('/d')).toMatchObject({ type: 'volume', source: '', target: '/d' });
    expect(at('"./conf:/etc/x"')).toMatchObject({
      type: 'bind',
      source: '/srv/shop/conf',
      createSource: true,
    });
    expect(at('"../up:/x"')).toMatchObject({ source: '/srv/up' });
    expect(at('{type: bind, source: /a, target: /b, bind: {create_host_path: false}}')).toMatchObject({
      source: '/a',
      createSource: false,
    });
    expect(at('{type: tmpfs, target: /t, tmpfs: {size: 1m}}')).toMatchObject({
      type: 'tmpfs',
      sizeBytes: 2 ** 20,
    });
  });

  test('splits a command line as a shell does, and takes a list as it is', () => {
    expect(service(`command: sh -c "echo 'a b' \\$\\$HOME" x\\ y ''`.replaceAll('\\$', '$')).command).toEqual(
      ['sh', '-c', "echo 'a b' $HOME", 'x y', ''],
    );
    expect(service('command: ["a b", c]').command).toEqual(['a b', 'c']);
  });

  test('reads limits in both spellings', () => {
    expect(service('mem_limit: 64m\ncpus: 0.5\npids_limit: 20')).toMatchObject({
      memoryBytes: 64 * 2 ** 20,
      nanoCpus: 5e8,
      pidsLimit: 20,
    });
    expect(service('deploy: {resources: {limits: {memory: 1gb, cpus: "2"}}}')).toMatchObject({
      memoryBytes: 2 ** 30,
      nanoCpus: 2e9,
    });
  });
});

describe('an invalid file', () => {
  test('names a key that is not supported yet, with its place', () => {
    expect(messages('services:\n  web:\n    image: x\n    build: .\n')).toEqual([
      '4:5 services.web.build is not supported yet',
    ]);
    expect(messages('services: {a: {image: x}}\nsecrets: {}\n')).toEqual([
      '2:1 secrets is not supported yet',
    ]);
  });

  test('asks whether a mistyped key meant another', () => {
    expect(messages('services:\n  web:\n    image: x\n    comand: y\n')).toEqual([
      '4:5 services.web.comand is not a key of the compose-spec, did you mean command?',
    ]);
  });

  test('underlines the value of a wrong type', () => {
    const { diagnostics } = loadCompose('services:\n  web:\n    image: [x]\n', options);
    expect(diagnostics).toEqual([
      {
        severity: 'error',
        message: 'services.web.image must be a text, not a list',
        line: 3,
        column: 12,
        endLine: 3,
        endColumn: 15,
      },
    ]);
  });

  test.each([
    ['networks: [back]', 'service web uses the network back, which the file does not declare'],
    [
      'volumes: ["dat:/x"]',
      'service web uses the volume dat, which the file does not declare, did you mean data?',
    ],
    ['depends_on: [db]', 'service web uses the service db, which the file does not declare'],
    ['ports: ["80:x"]', '"80:x" is no port'],
    ['ports: ["70000:80"]', 'out of the range'],
    ['ports: ["80-82:80-81"]', 'ranges of unequal length'],
    ['volumes: ["data:relative"]', 'needs an absolute path in the container'],
    ['volumes: ["data:/a", "data:/a/"]', 'mounts /a'],
    ['restart: sometimes', 'services.web.restart must be "no", always, unless-stopped or on-failure[:N]'],
    ['mem_limit: lots', 'must be a size such as 512m'],
    ['network_mode: host\nnetworks: [default]', 'exclude each other'],
    ['command: sh -c "x', 'a quote is not closed'],
    ['environment: ["A=${"]', 'invalid interpolation'],
    ['image: ${MISSING:?name it}', 'required variable MISSING is missing a value: name it'],
    ['networks: {default: {ipv4_address: 1.2.3}}', '"1.2.3" is no IPv4 address'],
  ])('%j is refused', (body, message) => {
    const image = body.startsWith('image') ? '' : 'image: x\n';
    const lines = `${image}${body}`.replaceAll(/^/gm, '    ');
    const found = messages(`services:\n  web:\n${lines}\nvolumes:\n  data:\n`);
    expect(found.join('\n')).toContain(message);
  });

  test('shows a circle of dependencies once', () => {
    const text =
      'services:\n  a: {image: x, depends_on: [b]}\n  b: {image: x, depends_on: [c]}\n  c: {image: x, depends_on: [a]}\n';
    expect(messages(text)).toEqual(['2:17 services depend on each other in a circle: a → b → c → a']);
  });

  test('tells two services that publish one port, unless their addresses differ', () => {
    const file = (a: string, b: string) =>
      `services:\n  a: {image: x, ports: ["${a}"]}\n  b: {image: x, ports: ["${b}"]}\n`;
    expect(messages(file('80:80', '127.0.0.1:80:81'))).toEqual(['3:24 port 80/tcp is published by a and b']);
    expect(messages(file('127.0.0.2:80:80', '127.0.0.1:80:81'))).toEqual([]);
    expect(messages(file('80:80/udp', '80:80'))).toEqual([]);
  });

  test.each([
    ['services:\n  a: [', 'YAML errors have a place'],
    ['a: &a [x]\nb: *c\n', 'unknown aliases'],
    ['services:\n  a: {image: x}\n  a: {image: y}\n', 'a key twice'],
    ['', 'an empty file'],
    ['- 1\n', 'a list'],
    ['services: {}\n', 'no services'],
    ['name: other\nservices: {a: {image: x}}\n', 'the name of another project'],
    ['services: {"a b": {image: x}}\n', 'an invalid service name'],
    ['services: {a: {}}\n', 'a service without an image'],
  ])('%j is refused: %s', (text) => {
    const { model, diagnostics } = loadCompose(text, options);
    expect(model).toBeUndefined();
    expect(diagnostics.some(({ severity }) => severity === 'error')).toBe(true);
  });

  test('SECURITY: an alias bomb is refused, not expanded', () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
    const { model, diagnostics } = loadCompose(['l0: &l0 [x]', ...levels].join('\n'), options);
    expect(model).toBeUndefined();
    expect(diagnostics[0]?.message).toMatch(/alias/i);
  });

  test('SECURITY: nesting deeper than the stack is refused', () => {
    expect(loadCompose(`services: ${'['.repeat(50_000)}`, options).model).toBeUndefined();
  });

  test('a key named __proto__ is an unknown key, nothing more', () => {
    expect(messages('services:\n  a:\n    image: x\n    __proto__: {y: 1}\n').join()).toContain(
      '__proto__ is not a key',
    );
  });
});

test('the editor schema has exactly the keys that are read', () => {
  const services = composeSchema.properties['services'] as {
    patternProperties: Record<string, { properties: object }>;
  };
  const [service] = Object.values(services.patternProperties);
  expect(Object.keys(service!.properties).toSorted()).toEqual(Object.keys(serviceTable('/')).toSorted());
});
