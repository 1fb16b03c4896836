import { describe, expect, test } from 'vitest';
import { emptyRunForm, isValid, parseHostPort, toRunRequest, validateRunForm } from './run-form.ts';
import type { RunForm } from './run-form.ts';

const form = (change: Partial<RunForm>): RunForm => ({ ...emptyRunForm('busybox'), ...change });

describe('the run form', () => {
  test('an image alone is enough', () => {
    expect(isValid(validateRunForm(emptyRunForm('busybox')))).toBe(true);
    expect(toRunRequest(emptyRunForm(' busybox ')).image).toBe('busybox');
  });

  test('every field becomes its part of the request', () => {
    const request = toRunRequest(
      form({
        name: 'web',
        command: `sh -c 'echo "a b"'`,
        ports: [
          { key: 1, host: '127.0.0.1:8080', container: '80', protocol: 'tcp' },
          { key: 2, host: '', container: '53', protocol: 'udp' },
        ],
        variables: [{ key: 3, name: 'GREETING', value: '안녕 = hello' }],
        mounts: [
          { key: 4, type: 'bind', source: '/srv', target: '/data', readonly: true },
          { key: 5, type: 'tmpfs', source: 'ignored', target: '/tmp', readonly: false },
        ],
        memory: '512m',
        cpus: '1.5',
        pids: '200',
        restartPolicy: 'on-failure',
        restartRetries: '3',
      }),
    );
    expect(request).toMatchObject({
      name: 'web',
      command: ['sh', '-c', 'echo "a b"'],
      environment: ['GREETING=안녕 = hello'],
      ports: [
        { hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
        { containerPort: 53, protocol: 'udp' },
      ],
      mounts: [
        { type: 'bind', source: '/srv', target: '/data', readonly: true },
        { type: 'tmpfs', source: '', target: '/tmp', readonly: false },
      ],
      memoryBytes: 536_870_912,
      nanoCpus: 1_500_000_000,
      pidsLimit: 200,
      restartPolicy: 'on-failure',
      restartRetries: 3,
    });
  });

  test('retries are only sent with the policy they belong to', () => {
    expect(
      toRunRequest(form({ restartPolicy: 'always', restartRetries: '3' })).restartRetries,
    ).toBeUndefined();
  });

  test.each<[Partial<RunForm>, string, string]>([
    [{ image: ' ' }, 'image', 'imageMissing'],
    [{ name: '-x' }, 'name', 'nameInvalid'],
    [{ name: 'a b' }, 'name', 'nameInvalid'],
    [{ command: `echo 'open` }, 'command', 'quoteOpen'],
    [{ ports: [{ key: 1, host: '', container: '0', protocol: 'tcp' }] }, 'ports.1', 'portInvalid'],
    [{ ports: [{ key: 1, host: '70000', container: '80', protocol: 'tcp' }] }, 'ports.1', 'hostPortInvalid'],
    [{ variables: [{ key: 1, name: '', value: 'x' }] }, 'variables.1', 'variableName'],
    [
      { mounts: [{ key: 1, type: 'bind', source: 'a', target: '/b', readonly: false }] },
      'mounts.1',
      'bindRelative',
    ],
    [
      { mounts: [{ key: 1, type: 'volume', source: 'a', target: 'b', readonly: false }] },
      'mounts.1',
      'targetInvalid',
    ],
    [{ memory: '1k' }, 'memory', 'memoryInvalid'],
    [{ memory: 'lots' }, 'memory', 'memoryInvalid'],
    [{ cpus: '0' }, 'cpus', 'cpusInvalid'],
    [{ pids: '-1' }, 'pids', 'pidsInvalid'],
    [{ autoRemove: true, restartPolicy: 'always' }, 'autoRemove', 'restartWithRemove'],
  ])('%j is refused at its field', (change, field, error) => {
    expect(validateRunForm(form(change))[field]).toBe(error);
  });

  test('one host port cannot be published twice, unless by another protocol', () => {
    const row = { host: '8080', container: '80', protocol: 'tcp' as const };
    expect(
      validateRunForm(
        form({
          ports: [
            { key: 1, ...row },
            { key: 2, ...row },
          ],
        }),
      )['ports.2'],
    ).toBe('portTwice');
    const udp = { ...row, key: 2, protocol: 'udp' as const };
    expect(isValid(validateRunForm(form({ ports: [{ key: 1, ...row }, udp] })))).toBe(true);
  });

  test('host addresses may be IPv4, bracketed IPv6 or absent', () => {
    expect(parseHostPort('[::1]:80')).toEqual({ hostIp: '::1', hostPort: 80 });
    expect(parseHostPort('0.0.0.0:')).toEqual({ hostIp: '0.0.0.0' });
    expect(parseHostPort('')).toEqual({});
    expect(parseHostPort('host:80')).toBeUndefined();
  });
});
