import { createInstance } from 'i18next';
import { expect, test } from 'vitest';
import type { ReachReport } from '../../../../../electron/api/types.ts';
import { en } from '../../../i18n/en/en.ts';
import { toReachQuestion } from './reach-form.ts';
import { toSteps, wordsOf } from './reach-steps.ts';

const i18n = createInstance({ lng: 'en', resources: { en: { translation: en } } });
void i18n.init();

const attempt = {
  address: '10.0.0.2',
  interfaceName: 'eth0',
  gateway: '',
  routeFailure: '',
  connectionFailure: 'ECONNREFUSED',
};
const report: ReachReport = {
  verdict: 'loopback-only',
  failingHop: 'port',
  source: { name: 'web', networks: ['app'] },
  target: { name: 'db', networks: ['app', 'other'] },
  shared: ['app'],
  name: { asked: 'db', through: 'dns', servers: ['127.0.0.11'], addresses: ['10.0.0.2'], failure: '' },
  attempts: [attempt],
  listening: ['127.0.0.1'],
  port: 5432,
  protocol: 'tcp',
};
const stepsOf = (part: Partial<ReachReport>) => toSteps({ ...report, ...part }, i18n.t);

test('each hop says what was found at it', () => {
  expect(stepsOf({})).toEqual([
    { hop: 'network', outcome: 'ok', facts: ['Both on app'] },
    { hop: 'name', outcome: 'ok', facts: ['db is 10.0.0.2 by 127.0.0.11'] },
    { hop: 'route', outcome: 'ok', facts: ['10.0.0.2 directly through eth0'] },
    { hop: 'connection', outcome: 'ok', facts: ['10.0.0.2 answers, and refuses port 5432'] },
    { hop: 'port', outcome: 'failed', facts: ['listens at 127.0.0.1'] },
  ]);
});

test('what is behind the hop that fails was not reached', () => {
  const unknown = { ...report.name, addresses: [], failure: 'unknown' as const };
  const steps = stepsOf({ verdict: 'name-unknown', failingHop: 'name', name: unknown, attempts: [] });
  expect(steps.map(({ outcome }) => outcome)).toEqual(['ok', 'failed', 'skipped', 'skipped', 'skipped']);
  expect(steps[1]?.facts).toEqual(['127.0.0.11 knows no db']);
  const [, nobody] = stepsOf({ name: { ...unknown, servers: [], failure: 'silent' } });
  expect(nobody?.facts).toEqual(['the container has no nameserver']);
});

test('a host elsewhere has neither networks nor sockets that are known', () => {
  const steps = stepsOf({
    verdict: 'reachable',
    failingHop: '',
    target: undefined,
    shared: [],
    listening: undefined,
    attempts: [{ ...attempt, gateway: '10.0.0.1', connectionFailure: '' }],
  });
  expect(steps.map(({ outcome }) => outcome)).toEqual(['unknown', 'ok', 'ok', 'ok', 'unknown']);
  expect(steps[2]?.facts).toEqual(['10.0.0.2 through eth0 by 10.0.0.1']);
});

test('the verdict can name who and where', () => {
  expect(i18n.t('reach.verdict.loopback-only', wordsOf(report))).toBe(
    'db listens on port 5432 at 127.0.0.1 only: nobody else gets there.',
  );
});

test('a question is asked once it is whole', () => {
  const form = {
    source: 'a',
    to: 'container',
    container: 'b',
    host: ' ',
    port: '80',
    protocol: 'tcp',
  } as const;
  expect(toReachQuestion(form)).toEqual({ source: 'a', container: 'b', port: 80, protocol: 'tcp' });
  expect(toReachQuestion({ ...form, to: 'host', host: 'x.test' })).toEqual({
    source: 'a',
    host: 'x.test',
    port: 80,
    protocol: 'tcp',
  });
  for (const part of [{ source: '' }, { container: '' }, { port: '' }, { port: '0' }, { port: '70000' }])
    expect(toReachQuestion({ ...form, ...part })).toBeUndefined();
  expect(toReachQuestion({ ...form, to: 'host' })).toBeUndefined();
});
