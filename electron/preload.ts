import { contextBridge, ipcRenderer } from 'electron';

/**
 * All that the page gets from Electron: a mark, and on request one MessagePort to the main process. No function of
 * Electron's is reachable from the page.
 */
contextBridge.exposeInMainWorld('gantryDesktop', true);

window.addEventListener('message', (event) => {
  if (event.source !== window || event.origin !== window.location.origin || event.data !== 'gantry:connect')
    return;
  const { port1, port2 } = new MessageChannel();
  ipcRenderer.postMessage('gantry:connect', null, [port2]);
  window.postMessage('gantry:port', window.location.origin, [port1]);
});
