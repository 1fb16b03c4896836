import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJsonAtomic } from '../lib/atomic-file.ts';
import { isObject, isText, mapOf } from '../lib/field-types.ts';

/** What a step made, found again by everything that went into it. */
export interface CacheEntry {
  imageId: string;
  /** Key of the step before; '' at the base. */
  parent: string;
  /** As `docker system df -v` shows it. */
  description: string;
  /** Bytes of the step's own layer. */
  sizeBytes: number;
  /** RFC 3339. */
  createdAt: string;
  usedAt: string;
  uses: number;
  /** The instruction as written, and the files it took: for telling why a later one is not the same. */
  source: string;
  files?: Readonly<Record<string, string>> | undefined;
}

/**
 * Keys are over the base image, every instruction up to here and the content of the files it takes: the same work is
 * found again whatever build did it. Losing the file costs time, nothing else.
 */
export class BuildCache {
  readonly #file: string;
  readonly #entries = new Map<string, CacheEntry>();

  constructor(file: string) {
    this.#file = file;
  }

  /** `exists`: whether an image is still there. */
  async start(exists: (imageId: string) => boolean): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    const stored = await readJson(this.#file).catch(() => undefined);
    if (!mapOf(stored, isEntry)) return;
    for (const [key, entry] of Object.entries(stored as Record<string, CacheEntry>))
      if (exists(entry.imageId)) this.#entries.set(key, entry);
  }

  get(key: string): CacheEntry | undefined {
    const entry = this.#entries.get(key);
    if (entry) {
      entry.usedAt = new Date().toISOString();
      entry.uses += 1;
    }
    return entry;
  }

  put(key: string, entry: Omit<CacheEntry, 'createdAt' | 'usedAt' | 'uses'>): void {
    const now = new Date().toISOString();
    this.#entries.set(key, { ...entry, createdAt: now, usedAt: now, uses: 0 });
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  entries(): [key: string, entry: CacheEntry][] {
    return [...this.#entries];
  }

  async save(): Promise<void> {
    await writeJsonAtomic(this.#file, Object.fromEntries(this.#entries));
  }
}

function isEntry(value: unknown): boolean {
  return (
    isObject(value) &&
    ['imageId', 'parent', 'description', 'createdAt', 'usedAt', 'source'].every((key) => isText(value[key]))
  );
}

/** Counts up when the same instruction makes something else than before. */
const REVISION = 3;

/** The key of a step behind `parent`. SECURITY: secrets are never among the facts. */
export function cacheKey(parent: string, ...facts: unknown[]): string {
  return createHash('sha256')
    .update(JSON.stringify([REVISION, parent, ...facts]))
    .digest('hex');
}
