import { beforeEach, expect, test, vi } from 'vitest';
import { registerAppScheme, secureSession } from './app-session.ts';
import { openWindow } from './app-window.ts';

/** What the shell asks of Electron, written down by a stand-in: the real module downloads a browser when imported. */
const electron = vi.hoisted(() => {
  type Listener = (...parts: unknown[]) => unknown;
  const listeners = new Map<string, Listener>();
  const on = (name: string, listener: Listener) => void listeners.set(name, listener);
  const calls: Record<string, unknown[]> = {};
  const record =
    (name: string) =>
    (...parts: unknown[]) =>
      void (calls[name] = parts);
  const answer = { response: 0 };
  class BrowserWindow {
    webContents = { on, setWindowOpenHandler: record('setWindowOpenHandler') };
    constructor(options: unknown) {
      calls['options'] = [options];
    }
    once(): void {}
    loadURL = async (url: string) => record('loadURL')(url);
  }
  return {
    listeners,
    calls,
    answer,
    BrowserWindow,
    dialog: {
      showMessageBox: async (...parts: unknown[]) => {
        record('showMessageBox')(...parts);
        return answer;
      },
    },
    shell: { openExternal: async (url: string) => record('openExternal')(url) },
    screen: {},
    protocol: { registerSchemesAsPrivileged: record('schemes'), handle: record('handle') },
    session: {
      defaultSession: {
        setPermissionRequestHandler: record('permissionRequest'),
        setPermissionCheckHandler: record('permissionCheck'),
        setDevicePermissionHandler: record('device'),
        webRequest: { onBeforeRequest: record('beforeRequest') },
      },
    },
  };
});
vi.mock('electron', () => electron);

beforeEach(() => {
  for (const key of Object.keys(electron.calls)) delete electron.calls[key];
  electron.answer.response = 0;
});

/** The n-th argument of a recorded call. */
function recorded(name: string, index = 0): unknown {
  return electron.calls[name]![index];
}

test('SECURITY: a window is sandboxed, isolated and without Node', () => {
  openWindow('/logs/abc');
  expect((recorded('options') as { webPreferences: object }).webPreferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    webviewTag: false,
    preload: expect.stringMatching(/preload\.cjs$/),
  });
  expect(recorded('loadURL')).toBe('gantry://app/#/logs/abc');
});

test.each(['will-navigate', 'will-redirect', 'will-frame-navigate'])(
  'SECURITY: %s leads nowhere else',
  (name) => {
    openWindow('/');
    const navigate = (url: string) => {
      const event = { url, preventDefault: vi.fn<() => void>() };
      electron.listeners.get(name)!(event);
      return event.preventDefault.mock.calls.length === 0;
    };
    expect(navigate('gantry://app/#/images')).toBe(true);
    expect(navigate('https://example.org/')).toBe(false);
    expect(navigate('file:///etc/passwd')).toBe(false);
  },
);

test('SECURITY: no window opens, and an address leaves for the browser only after the user agreed', async () => {
  openWindow('/');
  const open = recorded('setWindowOpenHandler') as (details: { url: string }) => { action: string };
  expect(open({ url: 'https://example.org/' })).toEqual({ action: 'deny' });
  await vi.waitFor(() =>
    expect(recorded('showMessageBox', 1)).toMatchObject({ detail: 'https://example.org/' }),
  );
  expect(electron.calls['openExternal']).toBeUndefined();
  electron.answer.response = 1;
  expect(open({ url: 'smb://host/share' })).toEqual({ action: 'deny' });
  open({ url: 'https://example.org/' });
  await vi.waitFor(() => expect(electron.calls['openExternal']).toEqual(['https://example.org/']));
});

test('the app scheme serves the build with the strict policy, and only by GET', async () => {
  registerAppScheme();
  expect(recorded('schemes')).toMatchObject([
    { scheme: 'gantry', privileges: { standard: true, secure: true } },
  ]);
  secureSession(new URL('../../renderer', import.meta.url).pathname);
  const serve = recorded('handle', 1) as (request: Request) => Promise<Response>;
  const ask = (url: string, method = 'GET') => serve(new Request(url, { method }));
  const page = await ask('gantry://app/');
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("connect-src 'none'");
  expect((await ask('gantry://app/none.js')).status).toBe(404);
  expect((await ask('gantry://app/..%2fpackage.json')).status).toBe(404);
  expect((await ask('gantry://evil/')).status).toBe(404);
  expect((await ask('gantry://app/', 'POST')).status).toBe(405);
});

test('SECURITY: the session lets no request and no permission through but our own', () => {
  secureSession('/nowhere');
  const before = recorded('beforeRequest') as (
    details: { url: string },
    answer: (a: { cancel: boolean }) => void,
  ) => void;
  const cancelled = (url: string) => {
    let result: boolean | undefined;
    before({ url }, ({ cancel }) => (result = cancel));
    return result;
  };
  expect(cancelled('gantry://app/assets/a.js')).toBe(false);
  expect(cancelled('https://example.org/beacon')).toBe(true);
  const permitted = vi.fn<(allowed: boolean) => void>();
  const request = recorded('permissionRequest') as (
    c: null,
    p: string,
    a: typeof permitted,
    d: object,
  ) => void;
  request(null, 'geolocation', permitted, { requestingUrl: 'gantry://app/' });
  request(null, 'clipboard-sanitized-write', permitted, { requestingUrl: 'gantry://app/' });
  expect(permitted.mock.calls).toEqual([[false], [true]]);
  expect((recorded('device') as () => boolean)()).toBe(false);
});
