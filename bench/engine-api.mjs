// A minimal keep-alive client of the Docker Engine API over a unix socket: the same for every engine measured.
import { createReadStream } from 'node:fs';
import http from 'node:http';

export function createClient(socketPath) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });

  function request(method, path, body) {
    return new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const headers = payload
        ? { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }
        : {};
      const outgoing = http.request({ socketPath, agent, method, path, headers }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode >= 400) {
            reject(new Error(`${method} ${path}: ${response.statusCode} ${text.trim()}`));
          } else {
            resolve(/^[{[]/.test(text) ? JSON.parse(text) : text);
          }
        });
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });
  }

  return { request, close: () => agent.destroy() };
}

/** Loads a `docker save` archive. */
export function loadImage(socketPath, file) {
  const headers = { 'Content-Type': 'application/x-tar' };
  return new Promise((resolve, reject) => {
    const options = { socketPath, method: 'POST', path: '/images/load?quiet=1', headers };
    const outgoing = http.request(options, (response) => {
      response.resume();
      response.on('end', () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`load: ${response.statusCode}`)),
      );
    });
    outgoing.on('error', reject);
    createReadStream(file).pipe(outgoing);
  });
}
