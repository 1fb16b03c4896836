import { EventEmitter } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { contract } from './api/contract.ts';

/** The main process as it starts, over a stand-in of Electron (the real module downloads a browser when imported). */
const electron = await vi.hoisted(async () => {
  const { EventEmitter: Emitter } = await import('node:events');
  const urls: string[] = [];
  class BrowserWindow extends Emitter {
    webContents = Object.assign(new Emitter(), { setWindowOpenHandler: () => undefined });
    loadURL = async (url: string) => void urls.push(url);
    isDestroyed = () => false;
    isMinimized = () => false;
    focus = () => undefined;
  }
  class Tray extends Emitter {
    setToolTip = () => undefined;
    setContextMenu = () => undefined;
  }
  const nothing = () => undefined;
  const app = Object.assign(new Emitter(), {
    isPackaged: false,
    enableSandbox: vi.fn<() => void>(),
    requestSingleInstanceLock: () => true,
    whenReady: async () => undefined,
    quit: vi.fn<() => void>(),
  });
  return {
    app,
    urls,
    BrowserWindow,
    Tray,
    ipcMain: new Emitter(),
    Menu: { setApplicationMenu: nothing, buildFromTemplate: nothing },
    screen: { getAllDisplays: () => [] },
    dialog: { showOpenDialog: async () => ({ filePaths: ['/home/me/app'] }) },
    shell: {},
    safeStorage: { isEncryptionAvailable: () => false },
    protocol: { registerSchemesAsPrivileged: nothing, handle: nothing },
    session: {
      defaultSession: {
        setPermissionRequestHandler: nothing,
        setPermissionCheckHandler: nothing,
        setDevicePermissionHandler: nothing,
        webRequest: { onBeforeRequest: nothing },
      },
    },
  };
});
vi.mock('electron', () => electron);

beforeAll(async () => {
  vi.stubEnv('GANTRY_SOCKET', '/nonexistent/gantry.sock');
  vi.stubEnv('XDG_DATA_HOME', '/nonexistent');
  await import('./main.ts');
  await vi.waitFor(() => expect(electron.urls).toEqual(['gantry://app/#/']));
});

afterAll(() => void electron.app.emit('will-quit'));

/** A page at `url` that asks for the API: its end of the port, and whether the main process took the other end. */
function connectFrom(url: string) {
  const { port1, port2 } = new MessageChannel();
  const start = vi.fn<() => void>();
  const mainPort = Object.assign(new EventEmitter(), { start, postMessage: port1.postMessage.bind(port1) });
  port1.on('message', (data) => mainPort.emit('message', { data }));
  electron.ipcMain.emit('gantry:connect', { ports: [mainPort], senderFrame: { url, parent: null } });
  return { port: port2, taken: start.mock.calls.length === 1, close: () => port1.close() };
}

test('SECURITY: another page gets no API', () => {
  const { taken, close } = connectFrom('https://evil.example/');
  close();
  expect(taken).toBe(false);
});

test('the page gets the API, opens a log window by it, and a second start shows the window again', async () => {
  const { port, taken, close } = connectFrom('gantry://app/');
  expect(taken).toBe(true);
  const api: ContractRouterClient<typeof contract> = createORPCClient(new RPCLink({ port }));
  expect(await api.windows.openLogs({ id: 'abc' })).toEqual({ opened: true, route: '/logs/abc' });
  expect(electron.urls).toEqual(['gantry://app/#/', 'gantry://app/#/logs/abc']);
  expect(await api.windows.chooseFolder()).toEqual({ folder: '/home/me/app' });
  await expect(api.containers.list()).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
  electron.app.emit('second-instance');
  expect(electron.urls.length).toBe(2);
  close();
});

test('the renderer runs sandboxed, and the app ends with its last window', () => {
  expect(electron.app.enableSandbox).toHaveBeenCalledOnce();
  electron.app.emit('window-all-closed');
  expect(electron.app.quit).toHaveBeenCalledOnce();
});
