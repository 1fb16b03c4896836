import { closeSync, constants, openSync, rmSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { conflict, EngineError, errnoOf, messageOf } from '../lib/errors.ts';
import { directoryOf, loadState, statusOf } from './container-state.ts';
import type { OciContext } from './context.ts';
import { onlyId, parseFlags } from './flags.ts';
import { runHooks } from './hooks.ts';

/** Where the message lies in the C side's struct error: an int and a stage of 32 bytes before it. */
const MESSAGE_OFFSET = 36;

export async function start(context: OciContext, argv: readonly string[]): Promise<number> {
  await startState(context, onlyId(parseFlags(argv, {}).rest));
  return 0;
}

/** Lets the process of a created container go, and waits until it executes. Throws when it cannot. */
export async function startState(context: OciContext, id: string): Promise<void> {
  const state = loadState(context.root, id);
  const status = statusOf(context.root, state);
  if (status === 'stopped') throw conflict('cannot start a container that has stopped');
  if (status !== 'created') throw conflict('cannot start an already running container');
  const directory = directoryOf(context.root, id);
  await letGo(directory);
  for (const name of ['start', 'started']) rmSync(path.join(directory, name), { force: true });
  try {
    runHooks('poststart', state, 'running');
  } catch (error) {
    // The container runs already: the specification asks for a warning, not for its end.
    context.warn(messageOf(error));
  }
}

/** The FIFOs of native/container.h, `struct child_gate`. */
async function letGo(directory: string): Promise<void> {
  // Without waiting for the other end: a process that died meanwhile has none.
  const started = openSync(path.join(directory, 'started'), constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const gate = openSync(path.join(directory, 'start'), constants.O_WRONLY | constants.O_NONBLOCK);
    writeSync(gate, 's');
    closeSync(gate);
  } catch (error) {
    closeSync(started);
    if (errnoOf(error) === 'ENXIO') throw conflict('cannot start a container that has stopped');
    throw error;
  }
  const chunks: Buffer[] = [];
  for await (const chunk of new Socket({ fd: started, readable: true, writable: false }))
    chunks.push(chunk as Buffer);
  const failure = Buffer.concat(chunks);
  if (failure.length === 0) return;
  const [message = ''] = failure.toString('utf8', MESSAGE_OFFSET).split('\0');
  throw new EngineError('internal', message);
}
