import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** A network namespace with one link, as a machine of its own. */
export interface Machine {
  readonly namespace: string;
  readonly link: string;
  readonly address: string;
  /** What goes before a command that runs there. */
  readonly within: string[];
  /** Runs a command there; throws with its stderr. */
  run(...command: string[]): string;
  /** Exit status instead of throwing. */
  try(...command: string[]): { status: number; output: string };
  /** A TCP server that answers with the address that a client comes from. */
  serveAddresses(port: number): Promise<ChildProcess>;
}

function ip(...args: string[]): string {
  return execFileSync('ip', args, { encoding: 'utf8' });
}

/** Two machines, 192.0.2.1 and 192.0.2.2, joined by a cable. `tag`: at most 13 characters. */
export function joinMachines(tag: string): { machines: [Machine, Machine]; remove: () => void } {
  const machines: [Machine, Machine] = [machine(`${tag}a`, '192.0.2.1'), machine(`${tag}b`, '192.0.2.2')];
  const [one, other] = machines;
  for (const { namespace } of machines) ip('netns', 'add', namespace);
  const peer = ['peer', 'name', other.link, 'netns', other.namespace];
  ip('link', 'add', one.link, 'netns', one.namespace, 'type', 'veth', ...peer);
  for (const { namespace, link, address } of machines) {
    ip('-n', namespace, 'link', 'set', 'lo', 'up');
    ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', link);
    ip('-n', namespace, 'link', 'set', link, 'up');
  }
  return {
    machines,
    remove: () => {
      for (const { namespace } of machines) ip('netns', 'del', namespace);
    },
  };
}

const ADDRESS_SERVER = `
  require('net').createServer((s) => s.end(s.remoteAddress + '\\n')).listen(+process.argv[1], () => console.log('up'));`;

function machine(name: string, address: string): Machine {
  const within = ['ip', 'netns', 'exec', name];
  const [command = '', ...args] = within;
  return {
    namespace: name,
    link: name,
    address,
    within,
    run: (...words) => execFileSync(command, [...args, ...words], { encoding: 'utf8', stdio: 'pipe' }),
    try(...words) {
      try {
        return {
          status: 0,
          output: execFileSync(command, [...args, ...words], { encoding: 'utf8', stdio: 'pipe' }),
        };
      } catch (error) {
        const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
        return { status, output: stdout + stderr };
      }
    },
    async serveAddresses(port) {
      const server = spawn(command, [...args, process.execPath, '-e', ADDRESS_SERVER, String(port)]);
      await once(server.stdout, 'data');
      return server;
    },
  };
}
