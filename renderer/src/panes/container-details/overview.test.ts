import { describe, expect, test } from 'vitest';
import { toVariables } from './environment.ts';
import { exitReason } from './exit-summary.ts';

describe('environment variables', () => {
  test.each([
    'DATABASE_PASSWORD=x',
    'API_TOKEN=x',
    'AWS_SECRET_ACCESS_KEY=x',
    'PGPASS=x',
    'STRIPE_API_KEY=x',
    'DATABASE_URL=postgres://shop:s3cret@db:5432/shop',
  ])('%s is masked', (entry) => {
    expect(toVariables([entry])[0]?.secret).toBe(true);
  });

  test.each([
    'PATH=/usr/bin',
    'POSTGRES_PASSWORD_FILE=/run/secrets/p',
    'HOMEPAGE=https://example.com:80/a@b',
    'PASSWORD=',
  ])('%s is shown', (entry) => {
    expect(toVariables([entry])[0]?.secret).toBe(false);
  });

  test('only the first = separates, and order is by name', () => {
    expect(toVariables(['B=1=2', 'A'])).toEqual([
      { name: 'A', value: '', secret: false },
      { name: 'B', value: '1=2', secret: false },
    ]);
  });
});

describe('why a container stopped', () => {
  const stopped = { state: 'exited' as const, exitCode: 0, oomKilled: false, startedAt: 1 };
  test.each([
    [{ ...stopped }, { key: 'ok' }],
    [
      { ...stopped, exitCode: 3 },
      { key: 'error', code: 3 },
    ],
    [{ ...stopped, exitCode: 137 }, { key: 'killed' }],
    [
      { ...stopped, exitCode: 137, oomKilled: true },
      { key: 'oom', code: 137 },
    ],
    [
      { ...stopped, exitCode: 138 },
      { key: 'signal', code: 138, signal: 10 },
    ],
    [
      { ...stopped, exitCode: 255 },
      { key: 'error', code: 255 },
    ],
    [{ ...stopped, state: 'created' as const }, { key: 'neverStarted' }],
    [{ ...stopped, state: 'running' as const }, undefined],
  ])('%j', (container, reason) => {
    expect(exitReason(container)).toEqual(reason);
  });
});
