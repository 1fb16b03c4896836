import { spawn } from 'node:child_process';
import { mkdir, open, readFile } from 'node:fs/promises';
import { request } from 'node:http';
import path from 'node:path';
import { defaultRoots, userData } from '../engine/default-roots.ts';
import { errnoOf, messageOf } from '../engine/lib/errors.ts';

const ROOT_SOCKET = '/run/gantry/gantry.sock';
const START_TIMEOUT_MS = 15_000;
const PING_TIMEOUT_MS = 2000;
const POLL_MS = 50;

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a user's engine lives. */
export interface EnginePaths {
  socket: string;
  runRoot: string;
  dataRoot: string;
  logFile: string;
}

type EngineSearch =
  /** `started`: by this call; it logs to `logFile`. */
  | { socket: string; started: true; logFile: string; failure?: undefined }
  | { socket: string; started: false; failure?: undefined }
  | { socket: string; started: false; failure: string };

/** Root's engine is the machine's; a user's lies in their XDG directories. */
export function enginePaths(uid: number, env: Environment = process.env): EnginePaths {
  const { dataRoot, runRoot } = defaultRoots(uid, env);
  return {
    socket: path.join(runRoot, 'gantry.sock'),
    runRoot,
    dataRoot,
    logFile: path.join(dataRoot, 'engine.log'),
  };
}

/** Where the app (not the engine) keeps settings and compose projects. */
export function appDataDirectory(env: Environment = process.env): string {
  return path.join(userData(env), 'gantry', 'app');
}

/** A socket that the user named, which is used and never started: GANTRY_SOCKET, then DOCKER_HOST=unix://…. */
export function namedSocket(env: Environment = process.env): string | undefined {
  if (env['GANTRY_SOCKET']) return env['GANTRY_SOCKET'].replace(/^unix:\/\//, '');
  return /^unix:\/\/(.+)$/.exec(env['DOCKER_HOST'] ?? '')?.[1];
}

/**
 * Finds the engine to talk to, starting one where none answers. Never throws for a missing engine: the app then
 * opens disconnected and shows `failure`. `bundle`: the directory that holds engine/, native/ and starter/.
 */
export async function findOrStartEngine(bundle: string): Promise<EngineSearch> {
  const named = namedSocket();
  if (named) return { socket: named, started: false };
  const uid = process.getuid?.() ?? -1;
  const paths = enginePaths(uid);
  for (const socket of new Set([paths.socket, ROOT_SOCKET])) {
    const answer = await ping(socket);
    if (answer === 'OK') return { socket, started: false };
    if (answer === 'EACCES' && socket === paths.socket) {
      return { socket, started: false, failure: `this user may not use the engine at ${socket}` };
    }
  }
  try {
    await startEngine(bundle, paths);
    return { socket: paths.socket, started: true, logFile: paths.logFile };
  } catch (error) {
    return { socket: paths.socket, started: false, failure: messageOf(error) };
  }
}

/** Whether an engine answers `GET /_ping` on the socket. */
export async function answers(socketPath: string): Promise<boolean> {
  return (await ping(socketPath)) === 'OK';
}

/** `OK`, or why not: the errno of the connection, or anything else that an engine does not say. */
function ping(socketPath: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = request({ socketPath, path: '/_ping', timeout: PING_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? 'OK' : `HTTP ${response.statusCode}`);
    });
    sent.on('timeout', () => sent.destroy());
    sent.on('error', (error) => resolve(errnoOf(error) ?? error.message));
    sent.end();
  });
}

/**
 * Starts an engine that outlives this process: its own session, its output in a log file. Two apps that start at
 * once are told apart by the engine's lock; the loser finds the winner's socket answering.
 */
export async function startEngine(bundle: string, paths: EnginePaths): Promise<void> {
  await mkdir(paths.dataRoot, { recursive: true, mode: 0o710 });
  await mkdir(paths.runRoot, { recursive: true, mode: 0o700 });
  const log = await open(paths.logFile, 'a', 0o600);
  const { size: logStart } = await log.stat();
  let exited: number | undefined;
  try {
    const starter = path.join(bundle, 'starter/busybox.tar');
    const flags = ['--data-root', paths.dataRoot, '--run-root', paths.runRoot, '--socket', paths.socket];
    const script = path.join(bundle, 'engine/engine.mjs');
    const child = spawn(process.execPath, [script, ...flags, '--starter-image', starter], {
      cwd: '/',
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    child.on('error', () => (exited = -1));
    child.on('exit', (code) => (exited = code ?? -1));
    child.unref();
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!(await answers(paths.socket))) {
      if (exited !== undefined || Date.now() > deadline) {
        throw new Error(await startFailure(paths.logFile, logStart, exited));
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  } finally {
    await log.close();
  }
}

/** The engine's own last words are the reason that the user needs. */
async function startFailure(logFile: string, from: number, exitCode: number | undefined): Promise<string> {
  const written = await readFile(logFile).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const lastLine = written.subarray(from).toString().trim().split('\n').at(-1);
  const how =
    exitCode === undefined ? 'the engine does not answer' : `the engine exited with code ${exitCode}`;
  return lastLine ? `${how}: ${lastLine}` : `${how} (see ${logFile})`;
}
