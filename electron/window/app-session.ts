import { protocol, session } from 'electron';
import { securityHeaders } from '../web/request-policy.ts';
import { readStaticFile } from '../web/static-files.ts';
import { APP_SCHEME, appFile, isAllowedPermission, isAllowedRequest } from './navigation-policy.ts';

/** Before `app.whenReady()`: the scheme gets an origin of its own, as https has. */
export function registerAppScheme(): void {
  const privileges = { standard: true, secure: true, supportFetchAPI: true };
  protocol.registerSchemesAsPrivileged([{ scheme: APP_SCHEME, privileges }]);
}

/** Serves the renderer's build, and closes everything else that a page could reach. */
export function secureSession(rendererDirectory: string): void {
  const { defaultSession } = session;
  protocol.handle(APP_SCHEME, (request) => serve(rendererDirectory, request));
  defaultSession.setPermissionRequestHandler((_, permission, answer, details) =>
    answer(isAllowedPermission(permission, details.requestingUrl)),
  );
  defaultSession.setPermissionCheckHandler((_, permission, origin) =>
    isAllowedPermission(permission, `${origin}/`),
  );
  defaultSession.setDevicePermissionHandler(() => false);
  defaultSession.webRequest.onBeforeRequest(({ url }, answer) => answer({ cancel: !isAllowedRequest(url) }));
}

/** Reads a file of the build, nothing more: a custom scheme must have no side effects. */
async function serve(rendererDirectory: string, request: Request): Promise<Response> {
  const refuse = (status: number) => new Response(null, { status, headers: securityHeaders("'none'") });
  if (request.method !== 'GET') return refuse(405);
  if (appFile(rendererDirectory, request.url) === undefined) return refuse(404);
  const file = await readStaticFile(rendererDirectory, new URL(request.url).pathname);
  if (!file) return refuse(404);
  const headers = { ...securityHeaders("'none'"), 'Content-Type': file.contentType };
  return new Response(new Uint8Array(file.body), { headers });
}
