import { createStore } from '../../api/store.ts';
import type { Store } from '../../api/store.ts';
import type { TerminalSession } from './terminal-session.ts';

export interface ContainerTerminals {
  sessions: TerminalSession[];
  active: number | undefined;
}

const byContainer = new Map<string, Store<ContainerTerminals>>();

/** The open terminals of a container; they live until closed, wherever the user goes. */
export function terminalsOf(id: string): Store<ContainerTerminals> {
  const known = byContainer.get(id);
  if (known) return known;
  const store = createStore<ContainerTerminals>({ sessions: [], active: undefined });
  byContainer.set(id, store);
  return store;
}

export function addSession(store: Store<ContainerTerminals>, session: TerminalSession): void {
  store.set({ sessions: [...store.get().sessions, session], active: session.key });
}

export function closeSession(store: Store<ContainerTerminals>, session: TerminalSession): void {
  session.close();
  const { sessions, active } = store.get();
  const left = sessions.filter((other) => other !== session);
  store.set({ sessions: left, active: active === session.key ? left.at(-1)?.key : active });
}
