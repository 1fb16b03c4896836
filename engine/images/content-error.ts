import { EngineError, errnoOf, isDiskFull, messageOf } from '../lib/errors.ts';
import { NativeError } from './native-process.ts';

/** What ended a transfer, where that is not the content's fault: a full disk, or the client that went away. */
export function contentError(error: unknown, signal: AbortSignal): unknown {
  if (error instanceof EngineError && error.kind !== 'cancelled') return error;
  const errno = error instanceof NativeError ? error.errno : errnoOf(error);
  if (isDiskFull(errno)) {
    return new EngineError('no-space', `no space left on device: ${messageOf(error)}`, { cause: error });
  }
  if (signal.aborted || errno === 'ECONNRESET') {
    return new EngineError('cancelled', 'the client closed the connection', { cause: error });
  }
  return error;
}
