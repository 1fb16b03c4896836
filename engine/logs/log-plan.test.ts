import { describe, expect, it } from 'vitest';
import { toLogPlan } from './log-config.ts';

const plan = (Type: string, Config: Record<string, string> = {}) =>
  toLogPlan(
    {
      id: 'ab'.repeat(32),
      name: 'web',
      config: { Labels: { team: 'sea', other: 'x' }, Env: ['MODE=a=b'] },
      hostConfig: { LogConfig: { Type, Config } },
    },
    '/data/c',
  );

describe('toLogPlan', () => {
  it('reads rotation with decimal units', () => {
    expect(plan('json-file', { 'max-size': '10m', 'max-file': '3' })).toEqual({
      driver: 'json-file',
      path: `/data/c/${'ab'.repeat(32)}-json.log`,
      maxBytes: 10_000_000,
      maxFiles: 3,
      attributes: '',
    });
  });

  it('collects attributes from labels, environment and tag', () => {
    const made = plan('json-file', { labels: 'team', env: 'MODE', tag: '{{.Name}}/{{.ID}}' });
    expect(made).toMatchObject({ attributes: '{"team":"sea","MODE":"a=b","tag":"web/abababababab"}' });
  });

  it.each([
    ['json-file', { 'max-size': 'big' }, "invalid size: 'big'"],
    ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
    ['json-file', { colour: 'red' }, "unknown log opt 'colour' for json-file log driver"],
    ['carrier-pigeon', {}, "logger: no log driver named 'carrier-pigeon' is registered"],
    ['syslog', {}, 'log driver "syslog" is not implemented'],
  ])('refuses %s %j', (type, config, text) => {
    expect(() => plan(type, config)).toThrow(text);
  });
});
