import { randomBytes } from 'node:crypto';
import type { OpenLine, SentPosition } from './position.ts';
import type { LinePart } from './sender.ts';

/** Numbers the parts of lines that were cut, over batches and restarts of the engine. */
export class PartTracker {
  readonly #open: { stdout?: OpenLine | undefined; stderr?: OpenLine | undefined };

  constructor(open: SentPosition['parts']) {
    this.#open = { ...open };
  }

  /** undefined for a line that is whole. */
  next(stream: 'stdout' | 'stderr', isEnd: boolean): LinePart | undefined {
    const line = this.#open[stream];
    if (!line && isEnd) return undefined;
    const id = line?.id ?? randomBytes(32).toString('hex');
    const ordinal = (line?.ordinal ?? 0) + 1;
    this.#open[stream] = isEnd ? undefined : { id, ordinal };
    return { id, ordinal, last: isEnd };
  }

  open(): SentPosition['parts'] {
    return { ...this.#open };
  }
}
