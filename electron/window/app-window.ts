import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  BrowserWindow,
  dialog,
  screen,
  shell,
  type BrowserWindowConstructorOptions,
  type OpenDialogOptions,
} from 'electron';
import { mkdirSync } from 'node:fs';
import { readJson, writeJsonAtomic } from '../../engine/lib/atomic-file.ts';
import { appUrl, isAppUrl, isExternalUrl } from './navigation-policy.ts';
import { DEFAULT_SIZE, MINIMUM_SIZE, usableBounds } from './window-bounds.ts';

const preload = fileURLToPath(new URL('preload.cjs', import.meta.url));

/** The main window, where it was last time. */
export async function openMainWindow(dataDirectory: string): Promise<BrowserWindow> {
  const file = path.join(dataDirectory, 'window.json');
  const remembered = await readJson<unknown>(file).catch(() => undefined);
  const areas = screen.getAllDisplays().map((display) => display.workArea);
  const window = openWindow('/', usableBounds(remembered, areas));
  window.on('close', () => {
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    void writeJsonAtomic(file, window.getNormalBounds()).catch(() => undefined);
  });
  return window;
}

/** A window at a route of the renderer, sandboxed and isolated (SECURITY: Electron). */
export function openWindow(
  route: string,
  size: BrowserWindowConstructorOptions = DEFAULT_SIZE,
): BrowserWindow {
  const window = new BrowserWindow({
    ...size,
    minWidth: MINIMUM_SIZE.width,
    minHeight: MINIMUM_SIZE.height,
    show: false,
    autoHideMenuBar: true,
    webPreferences: {
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      allowRunningInsecureContent: false,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
    },
  });
  guardNavigation(window);
  window.once('ready-to-show', () => window.show());
  void window.loadURL(appUrl(route));
  return window;
}

/** The system's dialog; '' when it was cancelled. */
export async function chooseFolder(parent: BrowserWindow | undefined): Promise<string> {
  const options: OpenDialogOptions = { properties: ['openDirectory', 'createDirectory'] };
  const { filePaths } = await (parent
    ? dialog.showOpenDialog(parent, options)
    : dialog.showOpenDialog(options));
  return filePaths[0] ?? '';
}

function guardNavigation(window: BrowserWindow): void {
  const { webContents } = window;
  const stay = (event: Electron.Event, url: string) => {
    if (!isAppUrl(url)) event.preventDefault();
  };
  webContents.on('will-navigate', (event) => stay(event, event.url));
  webContents.on('will-redirect', (event) => stay(event, event.url));
  webContents.on('will-frame-navigate', (event) => stay(event, event.url));
  webContents.on('will-attach-webview', (event) => event.preventDefault());
  webContents.setWindowOpenHandler(({ url }) => {
    if (isExternalUrl(url)) void offerExternal(window, url);
    return { action: 'deny' };
  });
}

/** A link of a log or a label may lead anywhere: the user sees the whole address first. */
async function offerExternal(window: BrowserWindow, url: string): Promise<void> {
  const { response } = await dialog.showMessageBox(window, {
    type: 'question',
    message: 'Open this address in your browser?',
    detail: url,
    buttons: ['Cancel', 'Open'],
    cancelId: 0,
    defaultId: 0,
    noLink: true,
  });
  if (response === 1) await shell.openExternal(url);
}
