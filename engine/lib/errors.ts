/**
 * The one catalogue of error kinds. A domain throws `EngineError` with a kind and Docker's own text;
 * `engine/api/` maps the kind to an HTTP status in one place, and the GUI branches on it.
 */
export const ERROR_STATUS = {
  'invalid-argument': 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'not-modified': 304,
  'too-large': 413,
  cancelled: 499,
  internal: 500,
  'not-implemented': 501,
  unavailable: 503,
  'no-space': 507,
} as const;

type ErrorKind = keyof typeof ERROR_STATUS;

interface EngineErrorOptions {
  /** What the user can do about it, one sentence. */
  hint?: string;
  cause?: unknown;
}

/** An expected failure: `message` goes to the client as `{"message": …}`, so it never holds a credential. */
export class EngineError extends Error {
  readonly kind: ErrorKind;
  readonly hint: string | undefined;

  constructor(kind: ErrorKind, message: string, options: EngineErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'EngineError';
    this.kind = kind;
    this.hint = options.hint;
  }
}

export const invalidArgument = (message: string, options?: EngineErrorOptions): EngineError =>
  new EngineError('invalid-argument', message, options);
export const notFound = (message: string, options?: EngineErrorOptions): EngineError =>
  new EngineError('not-found', message, options);
export const conflict = (message: string, options?: EngineErrorOptions): EngineError =>
  new EngineError('conflict', message, options);
export const notImplemented = (what: string): EngineError =>
  new EngineError('not-implemented', `${what} is not implemented by Gantry yet`);

/** `error.code` of a Node system error (`ENOENT`, …), or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}

/** What every errno of a filesystem or quota without room is for clients: kind no-space. */
export const isDiskFull = (errno: string | undefined): boolean => errno === 'ENOSPC' || errno === 'EDQUOT';

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same failure with words in front that say what was being done; a fault stays a fault. */
export function withPrefix(prefix: string, error: unknown): unknown {
  if (!(error instanceof EngineError)) return error;
  const { kind, message, hint } = error;
  return new EngineError(kind, `${prefix}${message}`, { cause: error, ...(hint ? { hint } : {}) });
}

/** What is wrong in one text; several things are told as Docker's list. */
export function joinMessages(messages: readonly string[]): string {
  if (messages.length === 1) return messages[0] ?? '';
  return messages.map((message) => `* ${message.replaceAll('\n', '\n\t')}`).join('\n');
}
