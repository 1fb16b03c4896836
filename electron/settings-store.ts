import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJsonAtomic } from '../engine/lib/atomic-file.ts';
import { Mutex } from '../engine/lib/mutex.ts';
import type { Settings } from './api/types.ts';

const DEFAULTS: Settings = { theme: 'system', language: 'system' };

/** The user's settings in `<data-dir>/settings.json`. */
export class SettingsStore {
  readonly #file: string;
  readonly #mutex = new Mutex();

  constructor(dataDirectory: string) {
    this.#file = path.join(dataDirectory, 'settings.json');
  }

  /** A damaged file counts as none: settings are never worth refusing to start. */
  async get(): Promise<Settings> {
    const stored = await readJson<Partial<Settings>>(this.#file).catch(() => undefined);
    return { ...DEFAULTS, ...stored };
  }

  set(changes: Partial<Settings>): Promise<Settings> {
    return this.#mutex.run(async () => {
      const settings = { ...(await this.get()), ...changes };
      await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      await writeJsonAtomic(this.#file, settings);
      return settings;
    });
  }
}
