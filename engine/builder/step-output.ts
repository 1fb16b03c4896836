/** A line of Docker's build stream. */
export type BuildMessage = { stream: string } | { aux: { ID: string } } | object;

export type WriteMessage = (message: BuildMessage) => Promise<void>;

/**
 * Output of stages that run at the same time, in the order of the Dockerfile: the first unfinished stage writes
 * through, the others keep theirs until it is their turn.
 */
export class OrderedOutput {
  readonly #write: WriteMessage;
  readonly #held: BuildMessage[][];
  readonly #ended: boolean[];
  #turn = 0;
  #tail: Promise<void> = Promise.resolve();

  constructor(stages: number, write: WriteMessage) {
    this.#write = write;
    this.#held = Array.from({ length: stages }, () => []);
    this.#ended = Array.from({ length: stages }, () => false);
  }

  /** Resolves when there is room for more, for a stage whose turn it is. */
  async write(stage: number, message: BuildMessage): Promise<void> {
    if (stage !== this.#turn) {
      this.#held[stage]?.push(message);
      return;
    }
    await this.#enqueue([message]);
  }

  async end(stage: number): Promise<void> {
    this.#ended[stage] = true;
    while (this.#turn < this.#ended.length && this.#ended[this.#turn]) {
      this.#turn += 1;
      await this.#enqueue(this.#held[this.#turn]?.splice(0) ?? []);
    }
  }

  /** What the stages up to the failed one had to say, that one last. */
  async endAll(failed: number | undefined): Promise<void> {
    const last = failed ?? this.#held.length - 1;
    for (const messages of this.#held.slice(0, last + 1)) await this.#enqueue(messages.splice(0));
  }

  async #enqueue(messages: BuildMessage[]): Promise<void> {
    this.#tail = this.#tail.then(async () => {
      for (const message of messages) await this.#write(message);
    });
    await this.#tail;
  }
}
