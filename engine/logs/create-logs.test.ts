import { describe, expect, it } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { createLogs } from './create-logs.ts';
import { makeSource } from './source-fixture.ts';

const make = (driver = 'json-file', options: Record<string, string> = {}) =>
  createLogs({ binary: '/none', logger: createLogger('error'), defaults: { driver, options } });
const logs = make();
const plan = (driver: string, options: Record<string, string> = {}) => {
  const source = makeSource(driver, options);
  logs.check(source);
  return logs.plan(source);
};

describe('log drivers', () => {
  it('are listed as docker info lists them', () => {
    expect(logs.drivers).toEqual(['fluentd', 'gelf', 'journald', 'json-file', 'local', 'syslog']);
  });

  it('have defaults that a container may overrule, and pass on those of the cache', () => {
    const given = make('local', { 'max-size': '1m', 'cache-max-file': '2' });
    expect(given.complete(undefined)).toEqual({
      Type: 'local',
      Config: { 'max-size': '1m', 'cache-max-file': '2' },
    });
    expect(given.complete({ Type: '', Config: { 'max-size': '2m' } }).Config['max-size']).toBe('2m');
    expect(given.complete({ Type: 'none' })).toEqual({ Type: 'none', Config: { 'cache-max-file': '2' } });
    expect(() => make('local', { colour: 'red' })).toThrow("unknown log opt 'colour' for log driver local");
    expect(() => make('smoke')).toThrow("no log driver named 'smoke' is registered");
  });

  it('json-file keeps one file without an end by default, and rotates with decimal units', () => {
    expect(plan('json-file')).toEqual({
      format: 'json',
      path: `/data/c/${'ab'.repeat(32)}-json.log`,
      maxBytes: 0,
      maxFiles: 1,
      attributes: '',
      compress: false,
      hold: false,
    });
    const rotated = plan('json-file', { 'max-size': '10m', 'max-file': '3', compress: 'true' });
    expect(rotated).toMatchObject({ maxBytes: 10_000_000, maxFiles: 3, compress: true });
  });

  it('json-file collects attributes from labels, environment and tag', () => {
    expect(plan('json-file', { labels: 'team,none', env: 'MODE', tag: '{{.Name}}/{{.ID}}' })).toMatchObject({
      attributes: '{"team":"sea","MODE":"a=b","tag":"web/abababababab"}',
    });
    expect(plan('json-file', { 'labels-regex': '^com[.]example', 'env-regex': '^C' })).toMatchObject({
      attributes: '{"com.example.tier":"front","COLOUR":"red"}',
    });
  });

  it('local keeps five compressed files of 20 MiB by default', () => {
    expect(plan('local')).toMatchObject({
      format: 'entries',
      maxBytes: 20 * 1024 * 1024,
      maxFiles: 5,
      compress: true,
      hold: false,
    });
  });

  it('remote drivers keep a cache as local does, and hold what is not sent unless they may lose it', () => {
    const address = { 'syslog-address': 'udp://127.0.0.1:514' };
    expect(plan('syslog', address)).toEqual({ ...plan('local'), hold: true });
    const options = { ...address, 'cache-max-size': '1m', 'cache-max-file': '2', mode: 'non-blocking' };
    expect(plan('syslog', options)).toMatchObject({ maxBytes: 1_000_000, maxFiles: 2, hold: false });
  });

  it('can be read unless they keep nothing', () => {
    const check = (driver: string, options = {}) =>
      logs.checkRequest(makeSource(driver, options), { stdout: true, stderr: false });
    const unreadable = 'configured logging driver does not support reading';
    check('local');
    check('gelf', { 'gelf-address': 'udp://h:1' });
    expect(() => check('none')).toThrow(unreadable);
    expect(() => check('gelf', { 'gelf-address': 'udp://h:1', 'cache-disabled': 'true' })).toThrow(
      unreadable,
    );
    expect(() => logs.checkRequest(makeSource('local'), { stdout: false, stderr: false })).toThrow(
      'Bad parameters: you must choose at least one stream',
    );
  });

  it.each([
    ['none', { anything: 'goes' }],
    ['json-file', { 'max-size': '-1' }],
    ['json-file', { mode: 'non-blocking', 'max-buffer-size': '4m' }],
    ['syslog', { 'syslog-facility': 'local7', 'syslog-format': 'rfc5424micro' }],
    ['syslog', { 'syslog-address': 'tcp+tls://[::1]:6514', 'syslog-tls-skip-verify': 'true' }],
    ['fluentd', { 'fluentd-address': 'host', 'fluentd-async': 'true', 'fluentd-retry-wait': '1.5s' }],
    ['fluentd', { 'fluentd-address': 'unix:///run/f.sock', 'fluentd-buffer-limit': '8MB' }],
    ['gelf', { 'gelf-address': 'udp://h:12201', 'gelf-compression-level': '-1' }],
    ['journald', { tag: 'x', 'cache-compress': 'false' }],
  ])('%s takes %j', (driver, options) => {
    plan(driver, options);
  });

  it.each([
    ['json-file', { 'max-size': 'big' }, "invalid size: 'big'"],
    ['json-file', { 'max-size': '0' }, 'max-size must be a positive number'],
    ['json-file', { 'max-file': '0' }, 'max-file cannot be less than 1'],
    ['json-file', { 'max-file': 'x' }, 'strconv.Atoi: parsing "x": invalid syntax'],
    ['json-file', { compress: 'perhaps' }, 'strconv.ParseBool: parsing "perhaps": invalid syntax'],
    ['json-file', { compress: 'true' }, 'compress cannot be true when max-file is less than 2 or max-size'],
    ['json-file', { 'env-regex': '[' }, 'error parsing regexp: '],
    ['json-file', { colour: 'red' }, "unknown log opt 'colour' for json-file log driver"],
    ['json-file', { mode: 'fast' }, 'logger: logging mode not supported: fast'],
    ['json-file', { 'max-buffer-size': '1m' }, "only supported with 'mode=non-blocking'"],
    ['json-file', { mode: 'non-blocking', 'max-buffer-size': 'x' }, 'error parsing option max-buffer-size: '],
    ['local', { colour: 'red' }, "unknown log opt 'colour' for log driver local"],
    ['local', { 'max-file': '1' }, 'compression cannot be enabled when max file count is 1'],
    ['syslog', { 'cache-disabled': 'x' }, 'invalid value for option cache-disabled: x'],
    ['syslog', { colour: 'red' }, "unknown log opt 'colour' for syslog log driver"],
    ['syslog', { 'syslog-address': 'ftp://h' }, "unsupported scheme: 'ftp'"],
    ['syslog', { 'syslog-address': 'unix:///no/such' }, 'stat /no/such: no such file or directory'],
    ['syslog', { 'syslog-facility': 'kitchen' }, 'invalid syslog facility'],
    ['syslog', { 'syslog-facility': '24' }, 'invalid syslog facility'],
    ['syslog', { 'syslog-format': 'rfc1' }, 'Invalid syslog format'],
    ['syslog', { tag: '{{.Nope}}' }, "can't evaluate field Nope in type *logger.Info"],
    ['journald', { colour: 'red' }, "unknown log opt 'colour' for journald log driver"],
    ['fluentd', { colour: 'red' }, "unknown log opt 'colour' for fluentd log driver"],
    [
      'fluentd',
      { 'fluentd-address': 'udp://h' },
      "invalid fluentd-address (udp://h): unsupported scheme: 'udp'",
    ],
    ['fluentd', { 'fluentd-address': 'unix://' }, 'path is empty'],
    ['fluentd', { 'fluentd-address': 'h:1/path' }, 'should not contain a path element'],
    ['fluentd', { 'fluentd-max-retries': '-1' }, 'invalid fluentd-max-retries: value out of range'],
    ['fluentd', { 'fluentd-async-reconnect-interval': '1ms' }, 'must be between 100ms and 10s'],
    ['fluentd', { 'fluentd-write-timeout': 'soon' }, 'value must be a duration'],
    ['gelf', {}, 'gelf-address is a required parameter'],
    ['gelf', { 'gelf-address': 'http://h:1' }, 'gelf: endpoint needs to be TCP or UDP'],
    ['gelf', { 'gelf-address': 'udp://h' }, 'gelf: please provide gelf-address as proto://host:port'],
    ['gelf', { 'gelf-address': 'udp://h:1', colour: 'red' }, 'unknown log opt "colour" for gelf log driver'],
    ['gelf', { 'gelf-address': 'tcp://h:1', 'gelf-compression-type': 'gzip' }, 'only supported on UDP'],
    ['gelf', { 'gelf-address': 'udp://h:1', 'gelf-tcp-max-reconnect': '1' }, 'is only valid for TCP'],
    ['carrier-pigeon', {}, "logger: no log driver named 'carrier-pigeon' is registered"],
  ])('%s refuses %j', (driver, options, text) => {
    expect(() => plan(driver, options as unknown as Record<string, string>)).toThrow(text);
  });
});
