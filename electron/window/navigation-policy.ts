import { staticPath } from '../web/static-files.ts';

/** Where the renderer lives in Electron; a scheme of our own, so that no page of the web shares its origin. */
export const APP_SCHEME = 'gantry';
const APP_ORIGIN = `${APP_SCHEME}://app`;

/** The URL of a route of the renderer (hash routes: `/logs/<id>`). */
export function appUrl(route = '/'): string {
  return `${APP_ORIGIN}/#${route}`;
}

/** Whether a URL is a page of the app: the origin alone is compared, never a prefix (`gantry://app.evil/`). */
export function isAppUrl(url: string): boolean {
  const parsed = parseUrl(url);
  return parsed?.protocol === `${APP_SCHEME}:` && parsed.host === 'app' && parsed.username === '';
}

/** The file that an app URL names under `root`, or undefined. Query and fragment name nothing. */
export function appFile(root: string, url: string): string | undefined {
  return isAppUrl(url) ? staticPath(root, new URL(url).pathname) : undefined;
}

/**
 * SECURITY: openExternal runs whatever program is registered for a scheme: only http(s) addresses without
 * credentials are ever offered to the user.
 */
export function isExternalUrl(url: string): boolean {
  const parsed = parseUrl(url);
  if (!parsed || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) return false;
  return parsed.username === '' && parsed.password === '';
}

/** What the renderer may load: its own files and what it makes itself (downloads are blobs). */
export function isAllowedRequest(url: string): boolean {
  if (isAppUrl(url)) return true;
  return url.startsWith(`blob:${APP_ORIGIN}/`) || /^data:(?:image|font)\//.test(url);
}

const ALLOWED_PERMISSIONS = new Set(['clipboard-sanitized-write']);

/** Copying text is the one thing that the app asks a permission for. */
export function isAllowedPermission(permission: string, requestingUrl: string): boolean {
  return ALLOWED_PERMISSIONS.has(permission) && isAppUrl(requestingUrl);
}

/** Only the top frame of a window of ours may ask for the API. */
export function isTrustedSender(frame: { url: string; parent: unknown } | null): boolean {
  return frame !== null && frame.parent === null && isAppUrl(frame.url);
}

function parseUrl(url: string): URL | undefined {
  return URL.canParse(url) ? new URL(url) : undefined;
}
