import type { ClientContext, ClientLink } from '@orpc/client';
import { RPCLink as MessagePortLink } from '@orpc/client/message-port';
import { RPCLink as WebSocketLink } from '@orpc/client/websocket';
import { createStore } from './store.ts';
import { takeToken } from './token.ts';

/** `unauthorised`: a browser without a token. `lost` carries the number of failed attempts since the last contact. */
export type TransportState =
  | { state: 'unauthorised' }
  | { state: 'opening' }
  | { state: 'open' }
  | { state: 'lost'; attempts: number; everOpen: boolean };

export const transportStore = createStore<TransportState>({ state: 'opening' });

const backOffMs = [250, 500, 1000, 2000, 4000, 8000];
type Link = ClientLink<ClientContext>;
let link: Link | undefined;
let waiting: { resolve: (link: Link) => void; reject: (error: Error) => void }[] = [];
let attempts = 0;
let everOpen = false;
let retryTimer: number | undefined;
let connecting = false;

function opened(next: Link): void {
  link = next;
  attempts = 0;
  everOpen = true;
  transportStore.set({ state: 'open' });
  for (const waiter of waiting) waiter.resolve(next);
  waiting = [];
}

function lost(): void {
  link = undefined;
  attempts += 1;
  transportStore.set({ state: 'lost', attempts, everOpen });
  for (const waiter of waiting) waiter.reject(new Error('Gantry is not reachable'));
  waiting = [];
}

function openWebSocket(token: string): void {
  connecting = true;
  const url = new URL('api', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  const socket = new WebSocket(url, ['gantry', `gantry.token.${token}`]);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => opened(new WebSocketLink({ websocket: tolerant(socket) })));
  socket.addEventListener('close', () => {
    connecting = false;
    lost();
    const delay = backOffMs[Math.min(attempts, backOffMs.length) - 1] ?? 8000;
    window.clearTimeout(retryTimer);
    retryTimer = window.setTimeout(() => openWebSocket(token), delay);
  });
}

/**
 * The socket as oRPC sees it. A stream that is cancelled after the connection broke has nobody to tell: oRPC would
 * throw that out of an abort listener, where nothing can catch it. New calls never come here (`link` is undefined).
 */
function tolerant(
  socket: WebSocket,
): Pick<WebSocket, 'addEventListener' | 'removeEventListener' | 'send' | 'readyState'> {
  return {
    addEventListener: socket.addEventListener.bind(socket),
    removeEventListener: socket.removeEventListener.bind(socket),
    readyState: WebSocket.OPEN,
    send: (data) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(data);
    },
  };
}

/** The preload answers `gantry:connect` with a `gantry:port` message that carries the port (electron/preload.ts). */
function openMessagePort(): void {
  window.addEventListener('message', (event) => {
    const port = event.ports[0];
    if (event.source !== window || event.data !== 'gantry:port' || !port) return;
    port.start();
    opened(new MessagePortLink({ port }));
  });
  window.postMessage('gantry:connect', '*');
}

/** True inside Electron: its preload exposes nothing but this mark. */
export function inDesktopShell(): boolean {
  return 'gantryDesktop' in window;
}

export function startTransport(): void {
  if (inDesktopShell()) {
    openMessagePort();
    return;
  }
  const token = takeToken();
  if (!token) {
    transportStore.set({ state: 'unauthorised' });
    return;
  }
  openWebSocket(token);
}

/** Skips the back-off (the banner's “Retry now”). */
export function retryNow(): void {
  const token = takeToken();
  if (connecting || !token || inDesktopShell()) return;
  window.clearTimeout(retryTimer);
  openWebSocket(token);
}

function currentLink(): Promise<Link> {
  if (link) return Promise.resolve(link);
  if (transportStore.get().state === 'lost') return Promise.reject(new Error('Gantry is not reachable'));
  return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
}

/** One stable link for the client; a call goes over whatever connection is open when it is made. */
export const reconnectingLink: Link = {
  async call(path, input, options) {
    const open = await currentLink();
    return open.call(path, input, options);
  },
};
