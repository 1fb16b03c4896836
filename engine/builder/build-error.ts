import { EngineError } from '../lib/errors.ts';

/** A step that failed: the message goes to the client as it is, with the exit code of a RUN. */
export class BuildError extends EngineError {
  /** Exit code of the command; undefined when no command failed. */
  readonly code: number | undefined;

  constructor(message: string, options: { code?: number; cause?: unknown } = {}) {
    super('internal', message, { cause: options.cause });
    this.name = 'BuildError';
    this.code = options.code;
  }
}
