import { createStore, useStore } from '../api/store.ts';
import { visibleStore } from '../api/visibility.ts';

const nowStore = createStore(Date.now());
let timer: number | undefined;

function follow(): void {
  window.clearInterval(timer);
  if (!visibleStore.get()) return;
  nowStore.set(Date.now());
  timer = window.setInterval(() => nowStore.set(Date.now()), 15_000);
}
visibleStore.subscribe(follow);
follow();

/** The time that ages are drawn with: one clock for all, stepping every 15 s while the document is visible. */
export function useNow(): number {
  return useStore(nowStore);
}
