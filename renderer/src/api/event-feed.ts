import type { EngineEvent } from '../../../electron/api/types.ts';
import { onEngineEvent } from './connection.ts';
import { createStore } from './store.ts';

export interface FeedEntry extends EngineEvent {
  key: number;
}

const keptEntries = 500;
let nextKey = 1;

/** The newest engine events since the app was opened, newest first. */
export const eventFeed = createStore<readonly FeedEntry[]>([]);

onEngineEvent((event) => {
  eventFeed.set([{ ...event, key: nextKey++ }, ...eventFeed.get()].slice(0, keptEntries));
});
