import { randomUUID } from 'node:crypto';
import { closeSync, fsync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { EngineError, errnoOf, messageOf } from './errors.ts';

const sync = promisify(fsync);

/**
 * Replaces `file` so that a crash at any instruction leaves the old or the new content, never a mixture:
 * temp file beside it → fsync → rename → fsync of the directory. Only what waits for the disk leaves the event loop:
 * a trip through the thread pool costs five times the other system calls.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array, mode = 0o600): Promise<void> {
  const temporary = `${file}.${randomUUID()}.tmp`;
  try {
    const descriptor = openSync(temporary, 'wx', mode);
    try {
      writeAll(descriptor, typeof data === 'string' ? Buffer.from(data) : data);
      await sync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  await syncDirectory(path.dirname(file));
}

function writeAll(descriptor: number, data: Uint8Array): void {
  for (let written = 0; written < data.length;) written += writeSync(descriptor, data, written);
}

export async function writeJsonAtomic(file: string, value: unknown): Promise<void> {
  await writeFileAtomic(file, `${JSON.stringify(value)}\n`);
}

/** The parsed content of `file`, or undefined where there is none. Throws internal naming a file that is no JSON. */
export async function readJson<T>(file: string): Promise<T | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new EngineError('internal', `${file} is damaged: ${messageOf(error)}`, { cause: error });
  }
}

/** Makes a rename, create or unlink inside `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  await syncFile(directory);
}

/** Makes the content of a file written before durable. */
export async function syncFile(file: string): Promise<void> {
  const descriptor = openSync(file, 'r');
  try {
    await sync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
