import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

/** Of TEST-NET-1: here, where nothing is insecure by being loopback, yet no packet leaves the namespace. */
const ADDRESS = '192.0.2.10';

/** A network namespace with nothing but an address of its own on its loopback interface. */
export interface TestNetwork {
  /** What goes before a command that runs there. */
  readonly within: string[];
  /** Runs a command there and answers its stdout; throws with its stderr. */
  run(command: string, ...args: string[]): string;
  remove(): void;
}

export function createTestNetwork(name: string): TestNetwork {
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  execFileSync('ip', ['-n', name, 'address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
  const within = ['nsenter', `--net=/run/netns/${name}`];
  return {
    within,
    run: (command, ...args) =>
      execFileSync('nsenter', [...within.slice(1), command, ...args], {
        encoding: 'utf8',
        maxBuffer: 1 << 26,
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    remove: () => void execFileSync('ip', ['netns', 'delete', name]),
  };
}

/** A certificate authority, a certificate for the registry's address and one for a client. */
export interface TestCertificates {
  readonly authority: string;
  readonly server: { cert: string; key: string };
  readonly client: { cert: string; key: string };
}

export function createCertificates(directory: string): TestCertificates {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'pipe' });
  const file = (name: string): string => path.join(directory, name);
  mkdirSync(directory, { recursive: true });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    file('ca.key'),
    '-out',
    file('ca.crt'),
    '-subj',
    '/CN=test CA',
    '-days',
    '2',
  );
  const issue = (name: string, extension: string): { cert: string; key: string } => {
    const pair = { cert: file(`${name}.pem`), key: file(`${name}.key`) };
    writeFileSync(file(`${name}.ext`), extension);
    openssl('req', ...newKey, '-keyout', pair.key, '-out', file(`${name}.csr`), '-subj', `/CN=${name}`);
    const signing = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
    openssl(
      'x509',
      '-req',
      '-in',
      file(`${name}.csr`),
      ...signing,
      '-out',
      pair.cert,
      '-extfile',
      file(`${name}.ext`),
    );
    return pair;
  };
  return {
    authority: file('ca.crt'),
    server: issue('server', `subjectAltName=IP:${ADDRESS},IP:127.0.0.1,DNS:registry.test\n`),
    client: issue('client', 'extendedKeyUsage=clientAuth\n'),
  };
}

export const USER = 'tester';
export const PASSWORD = 'right password';
/** bcrypt of `PASSWORD`, as htpasswd -B writes it. */
const HTPASSWD = 'tester:$2y$05$MsxSdWL5X/V7y7LxfRlWCuKbixVzBAMZvxqUOsZnS4etTJnmbUV22\n';

export interface DockerRegistry {
  /** `address:port` */
  readonly host: string;
  stop(): Promise<void>;
}

interface DockerRegistryOptions {
  network: TestNetwork;
  directory: string;
  port: number;
  certificates: TestCertificates;
  /** Either a password or a client certificate is asked for. */
  clientCertificates: boolean;
}

/** Debian's docker-registry over TLS. */
export async function startDockerRegistry(options: DockerRegistryOptions): Promise<DockerRegistry> {
  const { network, directory, port, certificates, clientCertificates } = options;
  const host = `${ADDRESS}:${port}`;
  const file = (name: string): string => path.join(directory, name);
  mkdirSync(directory, { recursive: true });
  writeFileSync(file('htpasswd'), HTPASSWD);
  const { server, authority } = certificates;
  const config = {
    version: '0.1',
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: file('storage') } },
    http: {
      addr: host,
      tls: {
        certificate: server.cert,
        key: server.key,
        ...(clientCertificates ? { clientcas: [authority] } : {}),
      },
    },
    ...(clientCertificates ? {} : { auth: { htpasswd: { realm: 'test', path: file('htpasswd') } } }),
  };
  return serve(config, directory, host, network.within);
}

/** Debian's docker-registry without TLS: on this machine's loopback, or at the address of a network. */
export async function startPlainRegistry(directory: string, network?: TestNetwork): Promise<DockerRegistry> {
  const host = network ? `${ADDRESS}:5003` : `127.0.0.1:${await freePort()}`;
  const storage = { filesystem: { rootdirectory: path.join(directory, 'storage') } };
  const log = { level: 'error', accesslog: { disabled: true } };
  return serve(
    { version: '0.1', log, storage, http: { addr: host } },
    directory,
    host,
    network?.within ?? [],
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Resolves when it listens; `before` goes in front of the command. */
async function serve(
  config: object,
  directory: string,
  host: string,
  before: readonly string[],
): Promise<DockerRegistry> {
  const file = path.join(directory, 'config.yml');
  mkdirSync(directory, { recursive: true });
  writeFileSync(file, JSON.stringify(config));
  const [command, ...rest] = [...before, 'docker-registry', 'serve', file];
  const child = spawn(command, rest, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const ended = once(child, 'close');
  for (let attempt = 0; !isListening(before, Number(host.split(':')[1])); attempt += 1) {
    if (attempt === 200 || child.exitCode !== null)
      throw new Error(`docker-registry does not listen: ${log}`);
    await delay(50);
  }
  return {
    host,
    async stop() {
      child.kill();
      await ended;
    },
  };
}

function isListening(before: readonly string[], port: number): boolean {
  const [command, ...rest] = [...before, 'cat', '/proc/net/tcp'];
  return execFileSync(command, rest, { encoding: 'utf8' }).includes(
    `:${port.toString(16).toUpperCase().padStart(4, '0')} 00000000:0000 0A`,
  );
}

/** Which of the commands are not on this machine. */
export function missingCommands(...names: string[]): string[] {
  return names.filter((name) => spawnSync('which', [name]).status !== 0);
}
