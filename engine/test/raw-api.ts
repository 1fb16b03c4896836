import { request } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { buffer } from 'node:stream/consumers';

interface ApiReply<T = unknown> {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  bytes: Buffer;
  /** undefined when the body is not JSON. */
  json: T;
}

export type Api = <T = unknown>(
  method: string,
  path: string,
  body?: object | string | Buffer,
  headers?: Record<string, string>,
) => Promise<ApiReply<T>>;

/** One request over the socket. An object is sent as JSON; text and bytes as they are, typed by `headers`. */
export function createApi(socketPath: string): Api {
  return <T>(
    method: string,
    path: string,
    body?: object | string | Buffer,
    headers: Record<string, string> = {},
  ) =>
    new Promise<ApiReply<T>>((resolve, reject) => {
      const isJson = typeof body === 'object' && !Buffer.isBuffer(body);
      const data = isJson ? JSON.stringify(body) : body;
      const type = isJson ? { 'Content-Type': 'application/json' } : {};
      const length = data === undefined ? {} : { 'Content-Length': Buffer.byteLength(data) };
      request({ socketPath, method, path, headers: { ...type, ...length, ...headers } }, (response) => {
        buffer(response).then((bytes) => {
          const text = bytes.toString();
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            bytes,
            json: parse(text) as T,
          });
        }, reject);
      })
        .on('error', reject)
        .end(data);
    });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
