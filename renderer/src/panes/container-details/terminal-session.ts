import { FitAddon } from '@xterm/addon-fit';
import { SearchAddon } from '@xterm/addon-search';
import { WebLinksAddon } from '@xterm/addon-web-links';
import { Terminal } from '@xterm/xterm';
import { api } from '../../api/client.ts';
import { toFailure } from '../../api/failure.ts';
import { createStore } from '../../api/store.ts';
import type { Store } from '../../api/store.ts';
import { openStream } from '../../api/stream.ts';
import { terminalTheme } from './terminal-theme.ts';

type SessionState =
  { state: 'open' } | { state: 'exited'; code: number | undefined } | { state: 'lost'; message: string };

export interface TerminalSession {
  key: number;
  title: string;
  status: Store<SessionState>;
  search: SearchAddon;
  attach: (host: HTMLElement) => () => void;
  focus: () => void;
  close: () => void;
}

let nextKey = 1;

/**
 * One exec with its screen. It outlives the component that draws it: leaving the tab detaches the screen and keeps
 * the shell; only close() ends it.
 */
export function openTerminalSession(
  id: string,
  shell: string,
  onLink: (url: string) => void,
): TerminalSession {
  const status = createStore<SessionState>({ state: 'open' });
  const element = document.createElement('div');
  element.className = 'h-full w-full';
  const terminal = new Terminal({
    cursorBlink: true,
    fontFamily: getComputedStyle(document.documentElement).getPropertyValue('--font-code'),
    fontSize: 13,
    lineHeight: 1.2,
    scrollback: 10_000,
    theme: terminalTheme(),
    allowProposedApi: true,
  });
  const fit = new FitAddon();
  const search = new SearchAddon();
  terminal.loadAddon(fit);
  terminal.loadAddon(search);
  // SECURITY: output of a container decides the link; nothing opens before the user confirmed the address.
  terminal.loadAddon(new WebLinksAddon((_event, url) => onLink(url)));
  terminal.attachCustomKeyEventHandler(copyPasteKeys(terminal));

  let sessionId: string | undefined;
  let opened: () => void;
  let stop: (() => void) | undefined;
  const ignore = () => undefined;
  const start = () => {
    stop = openStream(
      (signal) =>
        api.terminal.open({ id, command: [shell], rows: terminal.rows, columns: terminal.cols }, { signal }),
      {
        onValue: (event) => {
          if (event.type === 'data') terminal.write(event.data);
          else if (event.type === 'exit') status.set({ state: 'exited', code: event.code });
          else {
            sessionId = event.sessionId;
            opened();
            sendSize();
          }
        },
        onEnd: () => status.get().state === 'open' && status.set({ state: 'exited', code: undefined }),
        onError: (error) => status.set({ state: 'lost', message: toFailure(error).message }),
      },
    );
  };
  const sendSize = () => {
    if (!sessionId || status.get().state !== 'open') return;
    api.terminal.resize({ sessionId, rows: terminal.rows, columns: terminal.cols }).catch(ignore);
  };
  // Keystrokes go one call after the other, so that they cannot overtake each other; what is typed before the shell
  // is there waits for it.
  let sending = new Promise<void>((resolve) => (opened = resolve));
  terminal.onData((data) => {
    if (status.get().state !== 'open') return;
    sending = sending.then(() => api.terminal.write({ sessionId: sessionId ?? '', data })).catch(ignore);
  });
  terminal.onResize(sendSize);

  return {
    key: nextKey++,
    title: shell.split('/').at(-1) ?? shell,
    status,
    search,
    attach(host) {
      host.append(element);
      if (!terminal.element) terminal.open(element);
      const refit = () => host.clientHeight > 0 && fit.fit();
      refit();
      if (!stop) start();
      terminal.focus();
      const sizes = new ResizeObserver(refit);
      sizes.observe(host);
      const themes = new MutationObserver(() => {
        terminal.options.theme = terminalTheme();
      });
      themes.observe(document.documentElement, { attributeFilter: ['data-theme'] });
      return () => {
        sizes.disconnect();
        themes.disconnect();
        element.remove();
      };
    },
    focus: () => terminal.focus(),
    close() {
      stop?.();
      terminal.dispose();
    },
  };
}

/** Ctrl+Shift+C and Ctrl+Shift+V (⌘C/⌘V on macOS), as terminals have it; Ctrl-C stays SIGINT. */
function copyPasteKeys(terminal: Terminal): (event: KeyboardEvent) => boolean {
  return (event) => {
    if (event.type !== 'keydown') return true;
    const key = event.key.toLowerCase();
    if (!((event.ctrlKey && event.shiftKey) || event.metaKey)) return true;
    if (key === 'c' && terminal.hasSelection()) {
      void navigator.clipboard.writeText(terminal.getSelection());
      event.preventDefault();
      return false;
    }
    // Chromium turns Ctrl+Shift+V into a paste event by itself; xterm reads that.
    return key !== 'v';
  };
}
