import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { RPCHandler } from '@orpc/server/message-port';
import { app, ipcMain, Menu, safeStorage, Tray, type BrowserWindow } from 'electron';
import { createLogger } from '../engine/lib/logger.ts';
import { createAppServices } from './app-services.ts';
import type { ApiContext } from './api/context.ts';
import { router } from './api/router.ts';
import { appDataDirectory, findOrStartEngine } from './engine-process.ts';
import { keychainVault } from './secret-vault.ts';
import { registerAppScheme, secureSession } from './window/app-session.ts';
import { chooseFolder, openMainWindow, openWindow } from './window/app-window.ts';
import { isTrustedSender } from './window/navigation-policy.ts';

/** Electron's main process: windows and tray around the same services that web mode has. */
const build = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const logger = createLogger('info');
const dataDirectory = appDataDirectory();
let mainWindow: BrowserWindow | undefined;
// A tray icon whose object is collected disappears.
let tray: Tray | undefined;

app.enableSandbox();
registerAppScheme();
if (app.requestSingleInstanceLock()) {
  app.on('second-instance', () => void showMainWindow());
  app.on('window-all-closed', () => app.quit());
  app.on('activate', () => void showMainWindow());
  app.whenReady().then(start).catch(fail);
} else {
  app.quit();
}

async function start(): Promise<void> {
  Menu.setApplicationMenu(null);
  secureSession(path.join(build, 'renderer'));
  const context = await connectEngine();
  context.connection.start();
  serveApi(context);
  showTray();
  await showMainWindow();
  app.on('will-quit', () => void context.connection.close());
}

/** The engine outlives the app; where none can be started, the window tells why. */
async function connectEngine(): Promise<ApiContext> {
  const { values } = parseArgs({ strict: false, options: { socket: { type: 'string' } } });
  const bundle = app.isPackaged ? process.resourcesPath : build;
  const asked = typeof values.socket === 'string' ? values.socket : undefined;
  const engine = asked ? { socket: asked } : await findOrStartEngine(bundle);
  const startFailure = 'failure' in engine ? engine.failure : undefined;
  return createAppServices({
    socket: engine.socket,
    dataDirectory,
    startFailure,
    keychain: hasKeyring() ? keychainVault(safeStorage) : undefined,
    openWindow: (route) => void openWindow(route),
    chooseFolder: () => chooseFolder(mainWindow),
  });
}

/** `basic_text` is a key that everybody knows: no keyring. */
function hasKeyring(): boolean {
  return safeStorage.isEncryptionAvailable() && safeStorage.getSelectedStorageBackend() !== 'basic_text';
}

/** SECURITY: the one IPC channel; every other message of a page is heard by nobody. */
function serveApi(context: ApiContext): void {
  const rpc = new RPCHandler<ApiContext>(router);
  ipcMain.on('gantry:connect', (event) => {
    const [port] = event.ports;
    if (!port || !isTrustedSender(event.senderFrame)) {
      logger.warn('refused an IPC sender');
      return;
    }
    rpc.upgrade(port, { context });
    port.start();
  });
}

async function showMainWindow(): Promise<void> {
  if (!mainWindow || mainWindow.isDestroyed()) mainWindow = await openMainWindow(dataDirectory);
  if (mainWindow.isMinimized()) mainWindow.restore();
  mainWindow.focus();
}

function showTray(): void {
  tray = new Tray(path.join(build, '../electron/icons/32x32.png'));
  tray.setToolTip('Gantry');
  const menu = [
    { label: 'Open Gantry', click: () => void showMainWindow() },
    { label: 'Quit', click: () => app.quit() },
  ];
  tray.setContextMenu(Menu.buildFromTemplate(menu));
  tray.on('click', () => void showMainWindow());
}

function fail(error: unknown): void {
  logger.error('cannot start', { error: error instanceof Error ? error.stack : String(error) });
  app.exit(1);
}
