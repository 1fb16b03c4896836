const storageKey = 'gantry.token';

/**
 * SECURITY: the web-mode token arrives in the fragment (never sent to a server, never in a Referer), moves to
 * sessionStorage at once so that a reload works, and leaves the address bar and the history entry.
 */
export function takeToken(): string | undefined {
  const match = /^#?(?:.*[&#])?token=([A-Za-z0-9_-]+)/.exec(window.location.hash);
  if (match?.[1]) {
    window.sessionStorage.setItem(storageKey, match[1]);
    window.history.replaceState(null, '', `${window.location.pathname}${window.location.search}#/`);
  }
  return window.sessionStorage.getItem(storageKey) ?? undefined;
}
