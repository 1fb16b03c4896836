import { EngineError, errnoOf, messageOf } from '../lib/errors.ts';
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
  const exitCode = exitCodeOf(failure);
  const unknownKind = isDiskFull(failure.errno) ? 'no-space' : 'internal';
  const kind = exitCode === UNKNOWN ? unknownKind : 'invalid-argument';
  const message = failure.stage === 'user' ? problem : `${prefix}: ${problem}: unknown`;
  return { error: new EngineError(kind, message, { cause }), exitCode };
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

export function toExecFailure(cause: unknown, argv: string[]): { message: string; exitCode: number } {
  if (!(cause instanceof ShimStageError)) return { message: messageOf(cause), exitCode: UNKNOWN };
  const { failure } = cause;
  if (failure.stage === 'runtime') {
    const message = `OCI runtime exec failed: ${failure.message}: unknown`;
    return { message, exitCode: exitCodeOfText(failure.message) };
  }
  const problem = describe(failure, argv, '');
  const prefix = 'OCI runtime exec failed: exec failed: unable to start container process';
  const message = failure.stage === 'user' ? problem : `${prefix}: ${problem}: unknown`;
  return { message, exitCode: exitCodeOf(failure) };
}

const isDiskFull = (errno: string | undefined): boolean => errno === 'ENOSPC' || errno === 'EDQUOT';

function describe({ stage, errno, message }: StageFailure, argv: string[], where: string): string {
  if (stage !== 'exec') return stage === 'user' ? message : `${where}${message}`;
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
  if (stage === 'user') return NOT_EXECUTABLE;
  if (stage === 'cwd') return errno === 'ENOENT' || errno === 'ENOTDIR' ? COMMAND_NOT_FOUND : NOT_EXECUTABLE;
  if (stage !== 'exec') return UNKNOWN;
  return errno === 'ENOENT' || errno === 'ENOTDIR' ? COMMAND_NOT_FOUND : NOT_EXECUTABLE;
}
