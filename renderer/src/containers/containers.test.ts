import { describe, expect, test } from 'vitest';
import { runAll, summarise } from './bulk.ts';
import { publishedPorts } from './published-ports.ts';
import { canDo, exitCodeOf, stateTone } from './state-view.ts';

describe('bulk actions', () => {
  const targets = Array.from({ length: 9 }, (_, index) => ({ name: `c${index}` }));

  test('one failure does not stop the others, and never more than the width run at once', async () => {
    let running = 0;
    let most = 0;
    const results = await runAll(
      targets,
      async (target) => {
        running += 1;
        most = Math.max(most, running);
        await Promise.resolve();
        running -= 1;
        if (target.name === 'c2') throw new Error('in use');
      },
      3,
    );
    expect(most).toBe(3);
    expect(results.filter((result) => result.error === undefined)).toHaveLength(8);
  });

  test('the summary counts, and tells each reason once with who it hit', () => {
    const results = targets.map((target, index) => ({
      target,
      error: index >= 7 ? new Error('is paused') : undefined,
    }));
    expect(summarise(results, (error) => (error instanceof Error ? error.message : ''))).toEqual({
      count: 9,
      done: 7,
      failed: 2,
      reasons: 'c7, c8: is paused',
    });
  });
});

describe('published ports', () => {
  test('the IPv4 and IPv6 bindings of one port are one link', () => {
    const port = { hostPort: 8080, containerPort: 80, protocol: 'tcp' };
    expect(
      publishedPorts(
        [
          { hostIp: '::', ...port },
          { hostIp: '0.0.0.0', ...port },
        ],
        'localhost',
      ),
    ).toEqual([{ key: '8080:80', text: '8080:80', address: 'localhost:8080' }]);
  });

  test('a bound address is kept, UDP has no link, exposed ports are left out', () => {
    const ports = publishedPorts(
      [
        { hostIp: '127.0.0.1', hostPort: 53, containerPort: 53, protocol: 'udp' },
        { hostIp: '::1', hostPort: 80, containerPort: 80, protocol: 'tcp' },
        { hostIp: '', hostPort: undefined, containerPort: 99, protocol: 'tcp' },
      ],
      'localhost',
    );
    expect(ports.map((port) => [port.text, port.address])).toEqual([
      ['127.0.0.1:53:53/udp', undefined],
      ['::1:80:80', '[::1]:80'],
    ]);
  });
});

describe('states', () => {
  test('health decides before state, and a failed exit is not a clean one', () => {
    const container = { state: 'running' as const, health: undefined, status: 'Up 2 hours' };
    expect(stateTone(container)).toBe('good');
    expect(stateTone({ ...container, health: 'unhealthy' })).toBe('bad');
    expect(stateTone({ state: 'exited', health: undefined, status: 'Exited (0) 1 hour ago' })).toBe('idle');
    expect(stateTone({ state: 'exited', health: undefined, status: 'Exited (137) 1 hour ago' })).toBe('bad');
  });

  test('the exit code is read from the words of Docker', () => {
    expect(exitCodeOf('Exited (137) 2 hours ago')).toBe(137);
    expect(exitCodeOf('Up 2 hours')).toBeUndefined();
  });

  test('verbs fit the state', () => {
    expect(canDo('start', 'running')).toBe(false);
    expect(canDo('unpause', 'paused')).toBe(true);
    expect(canDo('remove', 'removing')).toBe(false);
  });
});
