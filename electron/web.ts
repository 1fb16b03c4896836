import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { errnoOf, messageOf } from '../engine/lib/errors.ts';
import { createLogger } from '../engine/lib/logger.ts';
import { createAppServices } from './app-services.ts';
import { appDataDirectory, findOrStartEngine } from './engine-process.ts';
import { WebServer } from './web/web-server.ts';

/**
 * Web mode: `node build/electron/web.mjs [--port N] [--host ADDRESS] [--socket PATH] [--data-dir DIR] [--no-open]`.
 * With `--socket` that engine is used as it is; without, the user's engine is found or started.
 */
const build = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const logger = createLogger('info');

let exitCode = 2;
try {
  const flags = readFlags();
  exitCode = 1;
  await main(flags);
} catch (error) {
  console.error(`gantry: ${messageOf(error)}`);
  process.exit(exitCode);
}

interface Flags {
  host: string;
  port: number;
  socket: string | undefined;
  dataDirectory: string;
  openBrowser: boolean;
}

async function main(flags: Flags): Promise<void> {
  const engine = flags.socket ? { socket: flags.socket } : await findOrStartEngine(build);
  const startFailure = 'failure' in engine ? engine.failure : undefined;
  if ('logFile' in engine) logger.info('engine started, it outlives the app', { log: engine.logFile });
  const context = createAppServices({
    socket: engine.socket,
    dataDirectory: flags.dataDirectory,
    startFailure,
  });
  const token = randomBytes(32).toString('base64url');
  const server = new WebServer({
    host: flags.host,
    port: flags.port,
    token,
    rendererDirectory: path.join(build, 'renderer'),
    context,
    logger,
  });
  const { port } = await server.start().catch((error: unknown) => {
    if (errnoOf(error) !== 'EADDRINUSE') throw error;
    throw new Error(`port ${flags.port} of ${flags.host} is in use, choose another with --port`, {
      cause: error,
    });
  });
  context.connection.start();
  if (startFailure) logger.warn(startFailure);
  const url = `http://${flags.host.includes(':') ? `[${flags.host}]` : flags.host}:${port}/#token=${token}`;
  const stop = () =>
    void Promise.all([server.close(), context.connection.close()]).then(() => process.exit(0));
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  process.stdout.write(`Gantry is at ${url}\n`);
  if (flags.openBrowser) openBrowser(url);
}

function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      host: { type: 'string', default: '127.0.0.1' },
      port: { type: 'string', default: '0' },
      socket: { type: 'string' },
      'data-dir': { type: 'string', default: appDataDirectory() },
      'no-open': { type: 'boolean', default: false },
    },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new Error(`invalid port: ${values.port}`);
  return {
    host: values.host,
    port,
    socket: values.socket?.replace(/^unix:\/\//, ''),
    dataDirectory: path.resolve(values['data-dir']),
    openBrowser: !values['no-open'],
  };
}

/** SECURITY: the token is in the fragment, which no server sees; the browser's process arguments show it to root only. */
function openBrowser(url: string): void {
  if (!process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return;
  const child = spawn('xdg-open', [url], { detached: true, stdio: 'ignore' });
  child.on('error', () => logger.info('no browser was opened'));
  child.unref();
}
