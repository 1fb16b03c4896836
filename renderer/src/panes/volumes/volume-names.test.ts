import { expect, test } from 'vitest';
import { isPrunable, titleOf } from './volume-names.ts';
import { emptyVolumeForm, toVolumeRequest, validateVolumeForm } from './volume-form.ts';

const anonymous = { name: 'ab'.repeat(32), usedBy: [], options: {} };
const user = { id: 'a', name: 'web', running: false, destination: '/var/lib/x' };
const named = { name: 'data', usedBy: [], options: {} };

test('prune takes unused anonymous volumes, named ones when asked, and none with options', () => {
  expect(isPrunable(anonymous, false)).toBe(true);
  expect(isPrunable(named, false)).toBe(false);
  expect(isPrunable(named, true)).toBe(true);
  expect(isPrunable({ ...named, options: { type: 'nfs' } }, true)).toBe(false);
  expect(isPrunable({ ...anonymous, usedBy: [user] }, true)).toBe(false);
});

test('an anonymous volume is called by its owner and place, by the beginning of its name when it has none', () => {
  expect(titleOf({ ...anonymous, usedBy: [user] })).toBe('web: /var/lib/x');
  expect(titleOf(anonymous)).toBe('abababababab');
  expect(titleOf({ ...named, usedBy: [user] })).toBe('data');
});

test('only the options and labels that were filled in are sent', () => {
  const form = {
    ...emptyVolumeForm(),
    name: ' data ',
    type: ' nfs ',
    device: ':/export',
    labels: [
      { key: 1, name: 'team', value: 'a' },
      { key: 2, name: '', value: '' },
    ],
  };
  expect(validateVolumeForm(form)).toEqual({});
  expect(toVolumeRequest(form)).toEqual({
    name: 'data',
    options: { type: 'nfs', device: ':/export' },
    labels: { team: 'a' },
  });
});

test('a wrong name, a value without a name and a lone half of a mount are told', () => {
  const form = { ...emptyVolumeForm(), name: 'a/b', o: 'ro', labels: [{ key: 1, name: ' ', value: 'x' }] };
  expect(validateVolumeForm(form)).toEqual({
    name: 'nameInvalid',
    type: 'typeMissing',
    labels: { 1: 'labelMissing' },
  });
  expect(validateVolumeForm({ ...emptyVolumeForm(), type: 'tmpfs' })).toEqual({ device: 'deviceMissing' });
});
