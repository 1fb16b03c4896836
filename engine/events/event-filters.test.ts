import { expect, test } from 'vitest';
import { matchesFilters } from './event-filters.ts';
import type { EventMessage } from './events.ts';

const event = (fields: Partial<EventMessage> = {}): EventMessage => ({
  Type: 'container',
  Action: 'start',
  Actor: { ID: 'abc123', Attributes: { name: 'web', image: 'busybox:latest', 'com.example': 'yes' } },
  scope: 'local',
  time: 1,
  timeNano: 1_000_000_000n,
  ...fields,
});
const matches = (filters: Record<string, string[]>, fields?: Partial<EventMessage>): boolean =>
  matchesFilters(event(fields), { values: (name) => filters[name] ?? [] });

test('no filter lets everything through', () => {
  expect(matches({})).toBe(true);
});

test('values of one filter are alternatives, filters all apply', () => {
  expect(matches({ event: ['stop', 'start'] })).toBe(true);
  expect(matches({ event: ['start'], type: ['image'] })).toBe(false);
});

test('objects are found by ID or name, abbreviated or not', () => {
  expect(matches({ container: ['abc'] })).toBe(true);
  expect(matches({ container: ['web'] })).toBe(true);
  expect(matches({ container: ['other'] })).toBe(false);
});

test('an action with detail is found by its beginning', () => {
  const Action = 'exec_start: sh -c true';
  expect(matches({ event: ['exec_start'] }, { Action })).toBe(true);
  expect(matches({ event: ['exec'] }, { Action })).toBe(false);
  expect(matches({ event: ['star'] })).toBe(false);
});

test('images are found with and without their tag, also from a container', () => {
  expect(matches({ image: ['busybox'] })).toBe(true);
  expect(matches({ image: ['busybox:latest'] })).toBe(true);
  expect(matches({ image: ['busy'] })).toBe(false);
  const Actor = { ID: 'localhost:5000/app:1', Attributes: {} };
  expect(matches({ image: ['localhost:5000/app'] }, { Type: 'image', Actor })).toBe(true);
});

test('labels are attributes, all of them must fit', () => {
  expect(matches({ label: ['com.example'] })).toBe(true);
  expect(matches({ label: ['com.example=yes'] })).toBe(true);
  expect(matches({ label: ['com.example=no'] })).toBe(false);
  expect(matches({ label: ['com.example', 'missing'] })).toBe(false);
});
