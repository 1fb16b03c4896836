import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { isObject } from '../../lib/field-types.ts';
import { ShimStageError } from '../runtime.ts';

/** Below the run directory: what `--log` of an external runtime is told. */
export const LOG_NAME = 'runtime.log';

/**
 * The error of a failed call with the runtime's own reason in place of `create exited with status 1`. Errors of other
 * stages come back as they are.
 */
export async function explainRuntimeFailure(runDirectory: string, error: unknown): Promise<unknown> {
  if (!(error instanceof ShimStageError) || error.failure.stage !== 'runtime') return error;
  const text = await readFile(path.join(runDirectory, LOG_NAME), 'utf8').catch(() => '');
  const message = lastError(text);
  return message === undefined
    ? error
    : new ShimStageError({ ...error.failure, message: inGoSpelling(message) });
}

/** crun ends with strerror's words as C has them, the docker CLI takes 126 and 127 from Go's: in lower case. */
const inGoSpelling = (message: string): string =>
  message.replace(
    /: ([A-Z][a-z][^:]*)$/,
    (_, reason: string) => `: ${reason.charAt(0).toLowerCase()}${reason.slice(1)}`,
  );

/** Lines are JSON objects, `{"level":"error","msg":…}`; a warning may follow the reason. */
export function lastError(log: string): string | undefined {
  return log
    .split('\n')
    .map(messageOf)
    .findLast((message) => message !== undefined);
}

function messageOf(line: string): string | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (isObject(entry) && entry['level'] === 'error' && typeof entry['msg'] === 'string')
      return entry['msg'];
  } catch {
    // A line that was cut off, or another runtime's words.
  }
  return undefined;
}
