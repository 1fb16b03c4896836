import { createStore } from '../api/store.ts';

/** The Run dialog is one, whoever asks for it; undefined: closed. */
export const runDialogStore = createStore<{ image: string } | undefined>(undefined);

export function openRunDialog(image = ''): void {
  runDialogStore.set({ image });
}
