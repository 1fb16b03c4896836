import { createStore } from './store.ts';

/** False while the document is hidden: streams that only feed the screen stop. */
export const visibleStore = createStore(document.visibilityState !== 'hidden');

document.addEventListener('visibilitychange', () => {
  visibleStore.set(document.visibilityState !== 'hidden');
});
