import { expect, test } from 'vitest';
import { parseSecurityOptions } from './security-options.ts';

const none = { apparmor: false, selinux: false };

test('every option Docker knows is read in both spellings', () => {
  const options = parseSecurityOptions(
    ['no-new-privileges:true', 'seccomp=unconfined', 'systempaths=unconfined', 'writable-cgroups=false'],
    none,
  );
  expect(options).toEqual({
    seccomp: 'unconfined',
    noNewPrivileges: true,
    apparmor: '',
    unconfinedPaths: true,
    writableCgroups: false,
    warnings: [],
  });
  expect(parseSecurityOptions(['seccomp={"a":"b=c"}'], none).seccomp).toBe('{"a":"b=c"}');
  expect(parseSecurityOptions(['seccomp=builtin', 'no-new-privileges'], none)).toMatchObject({
    seccomp: 'default',
    noNewPrivileges: true,
  });
});

test("malformed options are refused with Docker's two texts", () => {
  expect(() => parseSecurityOptions(['nonsense'], none)).toThrow('invalid --security-opt 1: "nonsense"');
  expect(() => parseSecurityOptions(['foo=bar'], none)).toThrow('invalid --security-opt 2: "foo=bar"');
  expect(() => parseSecurityOptions(['no-new-privileges=maybe'], none)).toThrow('invalid --security-opt 2');
});

test('a label without SELinux is a warning, and confinement that cannot be given fails closed', () => {
  expect(
    parseSecurityOptions(['label=type:x_t', 'label=disable', 'apparmor=custom'], none).warnings,
  ).toHaveLength(2);
  expect(() => parseSecurityOptions(['label=type:x_t'], { ...none, selinux: true })).toThrow(
    'not implemented',
  );
  const apparmor = (option: string) => parseSecurityOptions([option], { ...none, apparmor: true });
  expect(apparmor('apparmor=custom')).toMatchObject({ apparmor: 'custom', warnings: [] });
  expect(apparmor('apparmor=unconfined')).toMatchObject({ apparmor: '', warnings: [] });
});
