import { expect, test } from 'vitest';
import { linkEnvironment } from './links.ts';

test('a linked container is described by Docker’s variables, ranges of ports included', () => {
  const config = {
    ExposedPorts: { '81/tcp': {}, '80/tcp': {}, '53/udp': {} },
    Env: ['PATH=/bin', 'MODE=fast', 'HOME=/root'],
  };
  expect(linkEnvironment('/web/my-db', 'my-db', '10.0.0.2', { config })).toEqual([
    'MY_DB_PORT=tcp://10.0.0.2:80',
    ...[80, 81].flatMap((port) => [
      `MY_DB_PORT_${port}_TCP=tcp://10.0.0.2:${port}`,
      `MY_DB_PORT_${port}_TCP_ADDR=10.0.0.2`,
      `MY_DB_PORT_${port}_TCP_PORT=${port}`,
      `MY_DB_PORT_${port}_TCP_PROTO=tcp`,
    ]),
    'MY_DB_PORT_53_UDP=udp://10.0.0.2:53',
    'MY_DB_PORT_53_UDP_ADDR=10.0.0.2',
    'MY_DB_PORT_53_UDP_PORT=53',
    'MY_DB_PORT_53_UDP_PROTO=udp',
    'MY_DB_PORT_80_TCP_START=tcp://10.0.0.2:80',
    'MY_DB_PORT_80_TCP_PORT_START=80',
    'MY_DB_PORT_80_TCP_END=tcp://10.0.0.2:81',
    'MY_DB_PORT_80_TCP_PORT_END=81',
    'MY_DB_NAME=/web/my-db',
    'MY_DB_ENV_MODE=fast',
  ]);
});
