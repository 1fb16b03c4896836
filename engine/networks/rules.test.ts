import { expect, test } from 'vitest';
import { removeTable, ruleSet, type BridgeRules, type PortRule } from './rules.ts';

const bridge: BridgeRules = {
  linkName: 'gantry0',
  subnet: '172.17.0.0/16',
  internal: false,
  icc: true,
  masquerade: true,
};
const port: PortRule = {
  protocol: 'tcp',
  hostIp: '0.0.0.0',
  hostPort: 8080,
  containerIp: '172.17.0.2',
  containerPort: 80,
};

/** The rules of one chain, without its hook line. */
function chain(rules: string, name: string): string[] {
  const body = new RegExp(`chain ${name} \\{\\n([^}]*)\\}`).exec(rules)?.[1] ?? expect.fail(name);
  return body
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('type '));
}

test('the table is replaced in one transaction, whether or not it exists', () => {
  const rules = ruleSet('gantry_x', [bridge], []);
  expect(rules.startsWith('table ip gantry_x { }\ndelete table ip gantry_x\ntable ip gantry_x {\n')).toBe(
    true,
  );
  expect(rules.startsWith(removeTable('gantry_x'))).toBe(true);
});

test('a published port is translated for traffic from outside and from the host', () => {
  const rules = ruleSet('t', [bridge], [port]);
  expect(chain(rules, 'published')).toEqual(['tcp dport 8080 dnat to 172.17.0.2:80']);
  expect(chain(rules, 'prerouting')).toEqual(['fib daddr type local jump published']);
  expect(chain(rules, 'output')).toEqual(['fib daddr type local jump published']);
});

test('a port published on one address is not translated on the others', () => {
  const rules = ruleSet('t', [bridge], [{ ...port, hostIp: '127.0.0.1', protocol: 'udp' }]);
  expect(chain(rules, 'published')).toEqual(['ip daddr 127.0.0.1 udp dport 8080 dnat to 172.17.0.2:80']);
});

test('nothing from outside reaches loopback addresses (CVE-2020-8558)', () => {
  expect(chain(ruleSet('t', [bridge], [port]), 'guard')).toEqual([
    'iifname != "lo" ip daddr 127.0.0.0/8 drop',
  ]);
});

test('what was neither asked for nor published is dropped on its way into a bridge', () => {
  expect(chain(ruleSet('t', [bridge], [port]), 'forward').at(-1)).toBe('oifname "gantry0" drop');
});

test('an internal network has no way out and is not masqueraded', () => {
  const rules = ruleSet('t', [{ ...bridge, internal: true }], []);
  const forward = chain(rules, 'forward');
  expect(forward.indexOf('iifname "gantry0" drop')).toBeLessThan(
    forward.indexOf('oifname "gantry0" ct state established,related accept'),
  );
  expect(chain(rules, 'postrouting')).not.toContain('oifname != "gantry0" ip saddr 172.17.0.0/16 masquerade');
});

test('without inter-container communication only published ports are reached on the same bridge', () => {
  const [published, rest] = chain(ruleSet('t', [{ ...bridge, icc: false }], []), 'forward');
  expect(published).toBe('iifname "gantry0" oifname "gantry0" ct status dnat accept');
  expect(rest).toBe('iifname "gantry0" oifname "gantry0" drop');
});
