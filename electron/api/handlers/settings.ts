import { failure } from '../failures.ts';
import { api } from '../implementer.ts';

export const settings = {
  get: api.settings.get.handler(({ context }) => context.settings.get()),
  set: api.settings.set.handler(({ context, input }) => context.settings.set(input)),
};

export const windows = {
  openLogs: api.windows.openLogs.handler(({ context, input }) => {
    const route = `/logs/${encodeURIComponent(input.id)}`;
    context.openWindow?.(route);
    return { opened: context.openWindow !== undefined, route };
  }),
  chooseFolder: api.windows.chooseFolder.handler(async ({ context: { chooseFolder } }) => {
    if (!chooseFolder) throw failure('NOT_AVAILABLE', 'folders are chosen in the desktop app only');
    return { folder: await chooseFolder() };
  }),
};
