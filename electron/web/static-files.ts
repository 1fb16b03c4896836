import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { errnoOf } from '../../engine/lib/errors.ts';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.woff2': 'font/woff2',
};

interface StaticFile {
  body: Buffer;
  contentType: string;
  cacheControl: string;
}

/**
 * The file that a URL path names under `root`, or undefined where it names none: a path that climbs, a hidden file,
 * a type that the renderer's build does not have.
 */
export function staticPath(root: string, urlPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  if (!decoded.startsWith('/') || /[\0\\]/.test(decoded)) return undefined;
  const segments = decoded === '/' ? ['index.html'] : decoded.slice(1).split('/');
  if (segments.some((segment) => segment === '' || segment.startsWith('.'))) return undefined;
  if (!(path.extname(decoded === '/' ? 'index.html' : decoded) in CONTENT_TYPES)) return undefined;
  return path.join(root, ...segments);
}

export async function readStaticFile(root: string, urlPath: string): Promise<StaticFile | undefined> {
  const file = staticPath(root, urlPath);
  if (file === undefined) return undefined;
  try {
    const body = await readFile(file);
    const contentType = CONTENT_TYPES[path.extname(file)]!;
    // Vite puts a content hash into the names of what it writes to assets/.
    const immutable = path.relative(root, file).startsWith(`assets${path.sep}`);
    return { body, contentType, cacheControl: immutable ? 'max-age=31536000, immutable' : 'no-store' };
  } catch (error) {
    if (['ENOENT', 'EISDIR', 'ENOTDIR'].includes(errnoOf(error) ?? '')) return undefined;
    throw error;
  }
}
