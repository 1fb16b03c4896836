import { EngineError, errnoOf, isDiskFull, messageOf } from '../lib/errors.ts';
import { ShimStageError, type StageFailure } from '../runtime/runtime.ts';

/** A start that failed, as Docker tells it: what the client gets and what State.ExitCode becomes. */
interface StartFailure {
  error: EngineError;
  exitCode: number;
}

const COMMAND_NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
const UNKNOWN = 128;

/**
 * The docker CLI turns the text into its own exit code: 127 for `executable file not found` and `no such file`,
 * 126 for `permission denied`, 125 otherwise. So the words are part of the contract.
 */
export function toStartFailure(cause: unknown, argv: string[]): StartFailure {
  if (!(cause instanceof ShimStageError)) {
    if (cause instanceof EngineError) return { error: cause, exitCode: UNKNOWN };
    const kind = isDiskFull(errnoOf(cause)) ? 'no-space' : 'internal';
    return { error: new EngineError(kind, messageOf(cause), { cause }), exitCode: UNKNOWN };
  }
  const { failure } = cause;
  if (failure.stage === 'runtime') return toRuntimeFailure(failure, cause);
  const problem = describe(failure, argv, 'error during container init: ');
  const prefix =
    'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process';
  // Docker looks the user up before it asks its runtime: of that the text and the exit code know nothing.
  if (failure.stage === 'user') {
    return { error: new EngineError('internal', problem, { cause }), exitCode: UNKNOWN };
  }
  const exitCode = exitCodeOf(failure);
  const unknownKind = isDiskFull(failure.errno) ? 'no-space' : 'internal';
  const kind = exitCode === UNKNOWN ? unknownKind : 'invalid-argument';
  return { error: new EngineError(kind, `${prefix}: ${problem}: unknown`, { cause }), exitCode };
}

/** Of another runtime, whose words are all that is known. */
function toRuntimeFailure({ message }: StageFailure, cause: unknown): StartFailure {
  const exitCode = exitCodeOfText(message);
  const prefix = 'failed to create task for container: failed to create shim task: OCI runtime create failed';
  const kind = exitCode === UNKNOWN ? 'internal' : 'invalid-argument';
  return { error: new EngineError(kind, `${prefix}: ${message}: unknown`, { cause }), exitCode };
}

/** As dockerd reads the texts of runc and crun. */
function exitCodeOfText(message: string): number {
  if (/executable file .*not found|no such file or directory|not a directory/i.test(message))
    return COMMAND_NOT_FOUND;
  return /permission denied|is a directory|exec format error/i.test(message) ? NOT_EXECUTABLE : UNKNOWN;
}

/** The same for an exec: the client gets the error, or its text on the stream, and inspect the exit code. */
export function toExecFailure(cause: unknown, argv: string[]): StartFailure {
  if (!(cause instanceof ShimStageError)) {
    if (cause instanceof EngineError) return { error: cause, exitCode: NOT_EXECUTABLE };
    return { error: new EngineError('internal', messageOf(cause), { cause }), exitCode: UNKNOWN };
  }
  const { failure } = cause;
  const problem = describe(failure, argv, '');
  if (failure.stage === 'user') {
    return { error: new EngineError('internal', problem, { cause }), exitCode: NOT_EXECUTABLE };
  }
  const isForeign = failure.stage === 'runtime';
  const exitCode = isForeign ? exitCodeOfText(failure.message) : exitCodeOf(failure);
  const prefix = isForeign ? '' : 'exec failed: unable to start container process: ';
  const message = `OCI runtime exec failed: ${prefix}${problem}: unknown`;
  const kind = exitCode === UNKNOWN ? 'internal' : 'invalid-argument';
  return { error: new EngineError(kind, message, { cause }), exitCode };
}

function describe({ stage, errno, message }: StageFailure, argv: string[], where: string): string {
  if (stage === 'user' || stage === 'runtime') return message;
  if (stage !== 'exec') return `${where}${message}`;
  const file = argv[0] ?? '';
  if (errno === 'ENOENT' && !file.includes('/')) return `exec: "${file}": executable file not found in $PATH`;
  if (errno === 'ENOENT') return `exec: "${file}": stat ${file}: no such file or directory`;
  if (errno === 'EACCES' || errno === 'EISDIR') {
    return `exec: "${file}": ${errno === 'EISDIR' ? 'is a directory: ' : ''}permission denied`;
  }
  if (errno === 'ENOEXEC') return `exec ${file}: exec format error`;
  return `exec: "${file}": ${message}`;
}

function exitCodeOf({ stage, errno }: StageFailure): number {
  if (stage === 'cwd') return errno === 'ENOENT' || errno === 'ENOTDIR' ? COMMAND_NOT_FOUND : NOT_EXECUTABLE;
  if (stage !== 'exec') return UNKNOWN;
  return errno === 'ENOENT' || errno === 'ENOTDIR' ? COMMAND_NOT_FOUND : NOT_EXECUTABLE;
}
