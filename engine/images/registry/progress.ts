/** One message of Docker's progress stream. */
export interface ProgressMessage {
  id?: string;
  status?: string;
  progressDetail?: { current?: number; total?: number };
  /** The bar as old clients print it. */
  progress?: string;
  aux?: object;
}

/** Where one layer is: `status` in Docker's words, bytes where they are counted. */
export interface LayerProgress {
  status: string;
  current?: number;
  total?: number;
}

export function layerMessage(id: string, { status, current, total }: LayerProgress): ProgressMessage {
  if (current === undefined || total === undefined) return { status, progressDetail: {}, id };
  return { status, progressDetail: { current, total }, progress: progressBar(current, total), id };
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
const WIDTH = 50;

/** As Docker's daemon draws it: `[====>   ]  1.049MB/2.1MB`. */
function progressBar(current: number, total: number): string {
  if (total <= 0) return humanSize(current).padStart(8);
  const done = Math.min(WIDTH, Math.floor(Math.floor((current / total) * 100) / 2));
  const box = `[${'='.repeat(done)}>${' '.repeat(WIDTH - done)}] `;
  const counted = humanSize(current).padStart(8);
  return current > total ? `${box}${counted}` : `${box}${counted}/${humanSize(total)}`;
}

/** go-units' `%.4g` of powers of 1000. */
function humanSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${Number(size.toPrecision(4))}${UNITS[unit]}`;
}

/** Between two counts of the same layer. */
const INTERVAL_MS = 100;

/** Lets counts through ten times a second, the last one too; what changes the status always. */
export function throttled(report: (progress: LayerProgress) => void): (progress: LayerProgress) => void {
  let status = '';
  let toldAtMs = 0;
  let held: LayerProgress | undefined;
  let timer: NodeJS.Timeout | undefined;
  const tell = (progress: LayerProgress): void => {
    clearTimeout(timer);
    timer = held = undefined;
    status = progress.status;
    toldAtMs = performance.now();
    report(progress);
  };
  return (progress) => {
    const isCount = progress.current !== undefined && progress.current !== progress.total;
    const waitMs = INTERVAL_MS - (performance.now() - toldAtMs);
    if (!isCount || progress.status !== status || waitMs <= 0) return tell(progress);
    held = progress;
    // Where the transfer stands still, the newest count is told all the same.
    timer ??= setTimeout(() => held && tell(held), waitMs);
  };
}

interface LineWriter {
  write(value: unknown): Promise<void>;
}

/**
 * Sends messages in order without ever holding a transfer back: for a client that reads slowly, a newer count takes
 * the place of the one of the same layer that still waits.
 */
export class ProgressStream {
  readonly #open: () => LineWriter;
  #waiting: ProgressMessage[] = [];
  #writing: Promise<void> | undefined;
  #ended = false;

  /** `open` is called with the first message: what fails before has a status of its own. */
  constructor(open: () => LineWriter) {
    this.#open = open;
  }

  send(message: ProgressMessage): void {
    if (this.#ended) return;
    const last = this.#waiting.findLastIndex(({ id }) => id === message.id);
    const replaces = message.progress !== undefined && this.#waiting[last]?.progress !== undefined;
    if (replaces && this.#waiting[last]?.status === message.status) this.#waiting[last] = message;
    else this.#waiting.push(message);
    this.#writing ??= this.#drain();
  }

  /** Takes nothing more; resolves when everything is with the client. */
  async end(): Promise<void> {
    this.#ended = true;
    await this.#writing;
  }

  async #drain(): Promise<void> {
    const lines = this.#open();
    for (let next = this.#waiting.shift(); next; next = this.#waiting.shift()) await lines.write(next);
    this.#writing = undefined;
  }
}
