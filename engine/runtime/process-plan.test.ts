import { expect, test } from 'vitest';
import { containerEnvironment, overlayEnvironment } from './process-plan.ts';

test('SECURITY 2026-57231: an entry without a value removes the name, whatever the engine has under it', () => {
  process.env['GANTRY_SECRET'] = 'of the host';
  try {
    const env = containerEnvironment({ Env: ['A=1', 'GANTRY_SECRET', 'PATH'], Hostname: 'h' }, false);
    expect(env).toEqual(['HOSTNAME=h', 'A=1']);
  } finally {
    delete process.env['GANTRY_SECRET'];
  }
});

test('the last entry of a name wins and keeps the place of the first', () => {
  expect(overlayEnvironment(['A=1', 'B=2'], ['A=3', 'C=', '=x'])).toEqual(['A=3', 'B=2', 'C=']);
});

test('a terminal has a type', () => {
  expect(containerEnvironment({ Env: [] }, true)).toContain('TERM=xterm');
  expect(containerEnvironment({ Env: ['TERM=dumb'] }, true)).toContain('TERM=dumb');
});
