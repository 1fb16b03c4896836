import { expect, it } from 'vitest';
import { DEFAULT_CAPABILITIES } from '../capabilities.ts';
import { selectProfile } from '../seccomp.ts';
import { seccompDocument } from './seccomp-document.ts';

it('lets no socket family through by high bits that the kernel cuts off', () => {
  const { syscalls = [] } = seccompDocument(selectProfile('default', DEFAULT_CAPABILITIES));
  const families = syscalls.filter(({ names }) => names.includes('socket')).map(({ args }) => args);
  expect(families).toContainEqual([{ index: 0, op: 'SCMP_CMP_MASKED_EQ', value: 0xffffffff, valueTwo: 2 }]);
  expect(families.every((args) => args?.every(({ op }) => op === 'SCMP_CMP_MASKED_EQ'))).toBe(true);
  const allowed = families.map((args) => args?.[0]?.valueTwo);
  for (const refused of [33, 38, 40]) expect(allowed).not.toContain(refused);
});

it('keeps only the rules of this host and these capabilities', () => {
  const document = seccompDocument(selectProfile('default', DEFAULT_CAPABILITIES));
  expect(document).toMatchObject({ defaultAction: 'SCMP_ACT_ERRNO', defaultErrnoRet: 1 });
  const allowed = (document.syscalls ?? []).filter(({ action }) => action === 'SCMP_ACT_ALLOW');
  expect(allowed.some(({ names }) => names.includes('mount'))).toBe(false);
  expect(allowed.some(({ names }) => names.includes('chroot'))).toBe(true);
});
