import { EngineError } from '../lib/errors.ts';

/** A mistake in a Dockerfile, told with its line as Docker tells it; `line` is 1-based, for editors. */
export class DockerfileError extends EngineError {
  readonly line: number;
  /** Without the line, for a diagnostic that shows its place itself. */
  readonly detail: string;

  constructor(line: number, detail: string) {
    super('invalid-argument', `dockerfile parse error on line ${line}: ${detail}`);
    this.name = 'DockerfileError';
    this.line = line;
    this.detail = detail;
  }
}

/** A part of a line that means nothing; whoever knows the line makes a DockerfileError of it. */
export class SyntaxMistake extends Error {}
