import { beforeEach, describe, expect, it } from 'vitest';
import { Container } from './container.ts';
import type { ContainerRecord } from './record.ts';
import { ContainerStore } from './store.ts';

const make = (id: string, name: string, more: object = {}): Container =>
  new Container({ id: id.padEnd(64, '0'), name, hostConfig: {}, ...more } as unknown as ContainerRecord, '/');

describe('ContainerStore', () => {
  let store: ContainerStore;
  const web = make('abc1', 'web');
  const db = make('abc2', 'db');
  beforeEach(() => {
    store = new ContainerStore();
    store.add(web);
    store.add(db);
  });

  it('finds by ID, name with or without slash, and unambiguous prefix', () => {
    for (const key of [web.record.id, 'web', '/web', 'abc1']) expect(store.get(key)).toBe(web);
  });

  it('prefers a name over a prefix', () => {
    const named = make('ffff', 'abc1');
    store.add(named);
    expect(store.get('abc1')).toBe(named);
  });

  it('refuses ambiguous prefixes and what is not there', () => {
    expect(() => store.get('abc')).toThrow('multiple IDs found with provided prefix: abc');
    expect(() => store.get('nope')).toThrow('No such container: nope');
    expect(() => store.get('')).toThrow('No such container: ');
  });

  it('tells for a moment how an AutoRemove container ended that is gone', () => {
    const brief = make('abc3', 'brief', { hostConfig: { AutoRemove: true }, state: { exitCode: 3 } });
    store.add(brief);
    expect(store.justRemoved(brief.record.id)).toBeUndefined();
    store.remove(brief);
    store.remove(web);
    expect(store.justRemoved(brief.record.id)).toEqual({ exitCode: 3 });
    expect(store.justRemoved(web.record.id)).toBeUndefined();
  });

  it('keeps a name for its owner until it is released', () => {
    expect(() => store.reserveName('web', db.record.id)).toThrow(
      `Conflict. The container name "/web" is already in use by container "${web.record.id}"`,
    );
    store.reserveName('web', web.record.id);
    store.releaseName('web', db.record.id);
    expect(store.isNameTaken('web')).toBe(true);
    store.remove(web);
    expect(store.isNameTaken('web')).toBe(false);
    expect(store.has(web.record.id)).toBe(false);
  });
});
