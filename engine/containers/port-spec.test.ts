import { describe, expect, it } from 'vitest';
import { normalizePort, normalizePorts } from './port-spec.ts';

describe('port specifications', () => {
  it('completes the protocol', () => {
    expect(normalizePort('80')).toBe('80/tcp');
    expect(normalizePort('53/UDP')).toBe('53/udp');
  });

  it.each(['http', '70000', '80/icmp', '', '80/tcp/x', '-1'])('refuses %j', (text) => {
    expect(() => normalizePort(text)).toThrow(`invalid port specification: "${text}"`);
  });

  it('exposes what is bound and checks host ports', () => {
    const bound = { '80': [{ HostPort: '8000-8010' }] };
    expect(normalizePorts({}, { PortBindings: bound })).toEqual({
      exposed: { '80/tcp': {} },
      bindings: { '80/tcp': [{ HostIp: '', HostPort: '8000-8010' }] },
    });
    expect(() => normalizePorts({}, { PortBindings: { '80': [{ HostPort: '99999' }] } })).toThrow(
      'invalid port specification: "99999"',
    );
    expect(() => normalizePorts({}, { PortBindings: { '80': [{ HostIp: 'here' }] } })).toThrow(
      'invalid IP address',
    );
  });
});
