import path from 'node:path';
import { expect, test } from 'vitest';
import { parseSubnet } from './networks/subnet.ts';
import { parseCommandLine } from './command-line.ts';
import { defaultRoots } from './default-roots.ts';

test('defaults are the directories of the user who starts it', () => {
  const roots = defaultRoots(process.getuid?.() ?? 0, process.env);
  expect(parseCommandLine([])).toMatchObject({
    ...roots,
    socketPath: path.join(roots.runRoot, 'gantry.sock'),
    cgroupParent: 'gantry',
    logLevel: 'info',
  });
});

test("root's engine is the machine's, a user's lies in the XDG directories", () => {
  expect(defaultRoots(0, {})).toEqual({ dataRoot: '/var/lib/gantry', runRoot: '/run/gantry' });
  const env = { XDG_DATA_HOME: '/h/data', XDG_RUNTIME_DIR: '/h/run' };
  expect(defaultRoots(1000, env)).toEqual({ dataRoot: '/h/data/gantry', runRoot: '/h/run/gantry' });
});

test('every flag of the contract is read', () => {
  const flags =
    '--data-root /d --run-root /r --socket /s/x.sock --bridge br9 --default-subnet 10.9.0.0/24 --log-level debug';
  const more =
    '--starter-image /i.tar --insecure-registry a:1 --insecure-registry b:2 --registry-mirror http://m --add-runtime kata=/usr/bin/kata --default-runtime kata --default-address-pool base=10.8.0.0/16,size=24 --layer-form directory --max-layer-size 1000 --max-layer-ratio 7 --log-driver local --log-opt max-size=1m --log-opt tag=a=b --overlay-address 192.0.2.1 --overlay-peer 192.0.2.2:7000 --overlay-peer 192.0.2.1 --overlay-secret-file /s --open-forwarding --icc=false';
  const options = parseCommandLine(`${flags} ${more}`.split(' '));
  expect(options).toEqual({
    dataRoot: '/d',
    runRoot: '/r',
    socketPath: '/s/x.sock',
    bridge: 'br9',
    defaultSubnet: '10.9.0.0/24',
    defaultAddressPools: [{ base: parseSubnet('10.8.0.0/16'), size: 24 }],
    cgroupParent: 'gantry',
    logLevel: 'debug',
    log: { driver: 'local', options: { 'max-size': '1m', tag: 'a=b' } },
    insecureRegistries: ['a:1', 'b:2'],
    registryMirrors: ['http://m'],
    runtimes: new Map([['kata', '/usr/bin/kata']]),
    defaultRuntime: 'kata',
    layerForm: 'directory',
    layerLimits: { maxBytes: 1000, maxRatio: 7, ratioFromBytes: 0 },
    starterImage: '/i.tar',
    opensForwarding: true,
    icc: false,
    overlay: {
      own: { address: '192.0.2.1', port: 7950 },
      peers: [{ address: '192.0.2.2', port: 7000 }],
      secretFile: '/s',
    },
  });
});

test.each([
  [['--nope'], '--nope'],
  [['extra'], 'extra'],
  [['--log-level', 'loud'], "'loud' is none of debug, info, warn, error"],
  [['--bridge', 'a-name-longer-than-15'], 'no interface name'],
  [['--cgroup-parent', '../x'], 'no plain name'],
  [['--data-root'], '--data-root'],
  [['--log-opt', 'max-size'], 'not of the form NAME=VALUE'],
  [['--add-runtime', 'kata'], 'not of the form NAME=PATH'],
  [['--add-runtime', 'gantry=/x'], "'gantry' is the built-in runtime"],
  [['--icc=maybe'], "'maybe' is neither true nor false"],
  [['--overlay-peer', '192.0.2.2'], 'belong together'],
  [
    ['--overlay-address', 'here', '--overlay-peer', '192.0.2.2', '--overlay-secret-file', '/s'],
    "'here' is not like 192.0.2.1",
  ],
  [['--default-address-pool', 'base=10.0.0.0/16,size=8'], 'is not like base='],
])('%j is refused', (argv, message) => {
  expect(() => parseCommandLine(argv)).toThrow(message);
});

test("paths are made absolute: an ordinary user's engine goes on in another directory", () => {
  const flags = ['--data-root', 'd', '--run-root', 'r', '--socket', 's', '--starter-image', 'i.tar'];
  expect(parseCommandLine(flags)).toMatchObject({
    dataRoot: path.resolve('d'),
    runRoot: path.resolve('r'),
    socketPath: path.resolve('s'),
    starterImage: path.resolve('i.tar'),
  });
});
