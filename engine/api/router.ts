import { invalidArgument, notFound } from '../lib/errors.ts';
import type { Route } from './route.ts';

interface Match {
  route: Route;
  params: Record<string, string>;
}

export interface Router {
  /** `path` as received, without version prefix and query. Throws Docker's 404 `page not found`. */
  match(method: string, path: string): Match;
}

/** The first route that fits wins, so fallbacks come last. Another method on a known path is 404, as in Docker. */
export function createRouter(routes: readonly Route[]): Router {
  const compiled = routes.map((route) => ({ route, pattern: compilePath(route.path) }));
  return {
    match(method, path) {
      const decoded = decodePath(path);
      for (const { route, pattern } of compiled) {
        if (route.method !== method) continue;
        const match = pattern.exec(decoded);
        if (match) return { route, params: { ...match.groups } };
      }
      throw notFound('page not found');
    },
  };
}

/** `{id}` is one segment, `{name...}` one or more. */
function compilePath(path: string): RegExp {
  const source = path
    .split(/(\{\w+(?:\.\.\.)?\})/)
    .map((part) => {
      const name = /^\{(\w+)(\.\.\.)?\}$/.exec(part);
      if (!name) return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
      return name[2] ? `(?<${name[1]}>.+)` : `(?<${name[1]}>[^/]+)`;
    })
    .join('');
  return new RegExp(`^${source}$`);
}

/** The whole path is decoded before it is matched, as Go does: `%2F` separates segments like `/`. */
function decodePath(path: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    throw invalidArgument(`invalid URL escape in '${path}'`);
  }
  if (decoded.includes('\0')) throw invalidArgument('invalid NUL in URL path');
  return decoded;
}
