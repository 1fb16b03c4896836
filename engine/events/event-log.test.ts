import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLogger } from '../lib/logger.ts';
import { EventFile } from './event-file.ts';
import { createEvents } from './event-log.ts';
import type { EventMessage, Events, EventSubscription } from './events.ts';

let dataRoot: string;
let events: Events;
const open = async (): Promise<void> => {
  events = createEvents({ dataRoot, logger: createLogger('error') });
  await events.start();
};

beforeEach(async () => {
  dataRoot = mkdtempSync(path.join(os.tmpdir(), 'gantry-events-'));
  await open();
});
afterEach(async () => {
  await events.close();
  rmSync(dataRoot, { recursive: true });
});

const publish = (action: string): void =>
  events.publish({ type: 'container', action, actor: { id: 'c1', attributes: {} } });
const subscribe = (options: Partial<EventSubscription> = {}): AsyncGenerator<EventMessage> =>
  events.subscribe({
    since: undefined,
    until: undefined,
    filters: { values: () => [] },
    signal: new AbortController().signal,
    ...options,
  });

test('a subscriber sees what happens from then on, in order', async () => {
  publish('before');
  const stream = subscribe();
  const first = stream.next();
  publish('create');
  publish('start');
  expect((await first).value).toMatchObject({ Type: 'container', Action: 'create', scope: 'local' });
  expect((await stream.next()).value).toMatchObject({ Action: 'start' });
});

test('since tells the past and goes on live, each event once', async () => {
  publish('one');
  publish('two');
  const stream = subscribe({ since: 1n });
  const actions = [(await stream.next()).value?.Action];
  publish('three');
  actions.push((await stream.next()).value?.Action, (await stream.next()).value?.Action);
  expect(actions).toEqual(['one', 'two', 'three']);
});

test('an abort ends the stream', async () => {
  const controller = new AbortController();
  const next = subscribe({ signal: controller.signal }).next();
  controller.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});

test('times are strictly increasing and survive a restart to the nanosecond', async () => {
  for (let i = 0; i < 5; i += 1) publish(`e${i}`);
  const stream = subscribe({ since: 1n });
  const before: EventMessage[] = [];
  for (let i = 0; i < 5; i += 1) before.push((await stream.next()).value as EventMessage);
  await events.close();
  appendFileSync(path.join(dataRoot, 'events/events.jsonl'), '{"timeNano":"17000');
  await open();
  const again = subscribe({ since: 1n });
  for (const event of before) expect((await again.next()).value).toEqual(event);
  expect(new Set(before.map((event) => event.timeNano)).size).toBe(5);
});

test('a past window is told and then the stream ends', async () => {
  publish('one');
  const stream = subscribe({ until: BigInt(Date.now()) * 1_000_000n + 999_999n });
  expect((await stream.next()).value).toMatchObject({ Action: 'one' });
  expect((await stream.next()).done).toBe(true);
});

test('the file is rotated and only one older file is kept', async () => {
  const directory = path.join(dataRoot, 'small');
  const file = new EventFile(directory, 200);
  file.open();
  for (let i = 1; i <= 20; i += 1) {
    file.append({
      Type: 'container',
      Action: `a${i}`,
      Actor: { ID: 'c', Attributes: {} },
      scope: 'local',
      time: i,
      timeNano: BigInt(i),
    });
  }
  const kept: bigint[] = [];
  for await (const event of file.read()) kept.push(event.timeNano);
  file.close();
  expect(kept.length).toBeLessThan(20);
  expect(kept.at(-1)).toBe(20n);
  expect(kept).toEqual([...kept].toSorted((a, b) => Number(a - b)));
});
