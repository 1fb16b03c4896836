import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import type { EventPublisher } from '../events/events.ts';
import { readJson, writeJsonAtomic } from '../lib/atomic-file.ts';
import { messageOf, notFound } from '../lib/errors.ts';
import type { BuildMessage, WriteMessage } from './step-output.ts';

export interface BuildSummary {
  id: string;
  /** `interrupted`: the engine ended meanwhile. */
  status: 'running' | 'done' | 'failed' | 'interrupted';
  /** RFC 3339. */
  startedAt: string;
  /** '' while it runs. */
  finishedAt: string;
  tags: readonly string[];
  /** '' unless done. */
  imageId: string;
  error: string;
}

export interface BuildRecord extends BuildSummary {
  /**
   * The stream as it was sent, line by line, each with when (ms since the epoch); cut off at its beginning when it
   * grew too long.
   */
  log: (BuildMessage & { time: number })[];
}

const MAX_RECORDS = 50;
const MAX_LOG_BYTES = 1024 * 1024;

/** The last builds with what they said, for whoever comes later. */
export class BuildHistory {
  readonly #directory: string;
  readonly #records = new Map<string, BuildRecord>();
  readonly #events: EventPublisher;

  constructor(directory: string, events: EventPublisher) {
    this.#directory = directory;
    this.#events = events;
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    const names = (await readdir(this.#directory)).filter((name) => name.endsWith('.json')).sort();
    for (const name of names) {
      const record = await readJson<BuildRecord>(path.join(this.#directory, name)).catch(() => undefined);
      if (!record) continue;
      if (record.status === 'running') record.status = 'interrupted';
      this.#records.set(record.id, record);
    }
  }

  /** Newest first. */
  list(): BuildSummary[] {
    const summaries = [...this.#records.values()].map((record): BuildSummary => {
      const { log: _, ...summary } = record;
      return summary;
    });
    return summaries.reverse();
  }

  /** Throws not-found. */
  get(id: string): BuildRecord {
    const record = this.#records.get(id);
    if (!record) throw notFound(`No such build: ${id}`);
    return record;
  }

  /**
   * Runs a build and keeps what it writes. `tellOwn`: the client hears what only Gantry tells, the build's id before
   * anything else; others get Docker's messages alone. SECURITY: of `secrets` nothing is kept, although a step can print
   * them.
   */
  async record(
    { tags, tellOwn, secrets }: { tags: readonly string[]; tellOwn: boolean; secrets: Iterable<Uint8Array> },
    write: WriteMessage,
    run: (write: WriteMessage) => Promise<string>,
  ): Promise<string> {
    const startedAt = new Date().toISOString();
    const id = `${startedAt.replaceAll(/\D/g, '')}-${Math.random().toString(36).slice(2, 8)}`;
    const begun = { id, status: 'running', startedAt, finishedAt: '', tags, imageId: '', error: '', log: [] };
    const record = begun as BuildRecord;
    this.#records.set(id, record);
    await this.#save(record);
    this.#publish(record);
    const hide = hiding(secrets);
    let bytes = 0;
    const keep: WriteMessage = async (message) => {
      const isFirst = bytes === 0;
      record.log.push({ ...hide(message), time: Date.now() });
      bytes += JSON.stringify(record.log.at(-1)).length;
      if (isFirst && tellOwn) await write({ gantry: { build: id } });
      while (bytes > MAX_LOG_BYTES) bytes -= JSON.stringify(record.log.shift() ?? '').length;
      if (tellOwn || !('gantry' in message)) await write(message);
    };
    try {
      record.imageId = await run(keep);
      record.status = 'done';
      return record.imageId;
    } catch (error) {
      record.status = 'failed';
      record.error = hide({ error: messageOf(error) }).error;
      throw error;
    } finally {
      record.finishedAt = new Date().toISOString();
      await this.#save(record);
      this.#publish(record);
      await this.#forgetOldest();
    }
  }

  /** Beyond Docker: so that nobody has to ask again and again. */
  #publish({ id, status }: BuildRecord): void {
    this.#events.publish({ type: 'builder', action: status, actor: { id, attributes: {} } });
  }

  async #save(record: BuildRecord): Promise<void> {
    await writeJsonAtomic(this.#file(record.id), record);
  }

  async #forgetOldest(): Promise<void> {
    for (const [id, { status }] of this.#records) {
      if (this.#records.size <= MAX_RECORDS) return;
      if (status === 'running') continue;
      this.#records.delete(id);
      await rm(this.#file(id), { force: true });
    }
  }

  #file(id: string): string {
    return path.join(this.#directory, `${id}.json`);
  }
}

/** Shorter ones are found in innocent text. */
const SHORTEST_HIDDEN = 4;

/** Takes secrets, and the lines of long ones, out of a message. */
function hiding(secrets: Iterable<Uint8Array>): <T extends object>(message: T) => T {
  const lines = [...secrets].flatMap((secret) => Buffer.from(secret).toString('utf8').split('\n'));
  const texts = [...new Set(lines.map((line) => line.trim()))].filter(
    ({ length }) => length >= SHORTEST_HIDDEN,
  );
  if (texts.length === 0) return (message) => message;
  const hideIn = (_key: string, value: unknown): unknown =>
    typeof value === 'string' ? texts.reduce((shown, text) => shown.replaceAll(text, '***'), value) : value;
  return <T extends object>(message: T): T => JSON.parse(JSON.stringify(message, hideIn)) as T;
}
