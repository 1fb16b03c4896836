import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import path from 'node:path';
import { syncDirectory, syncFile, writeFileAtomic } from '../lib/atomic-file.ts';
import { errnoOf } from '../lib/errors.ts';
import { isSha256 } from './reference.ts';

/** `sha256:<hex>` of some bytes. */
export function digestOf(data: string | Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** Small content-addressed blobs (image configurations) in OCI layout: `<root>/sha256/<hex>`. */
export class BlobStore {
  readonly #directory: string;
  readonly #unsynced = new Set<string>();

  constructor(root: string) {
    this.#directory = path.join(root, 'sha256');
  }

  async start(): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    // Written when the engine died.
    for (const name of await readdir(this.#directory))
      if (name.endsWith('.tmp')) await unlink(path.join(this.#directory, name));
  }

  /** Digests of everything that is here. */
  async list(): Promise<string[]> {
    return (await readdir(this.#directory)).map((name) => `sha256:${name}`).filter(isSha256);
  }

  async put(data: Uint8Array): Promise<string> {
    const digest = digestOf(data);
    await writeFileAtomic(this.#file(digest), data);
    return digest;
  }

  /** Whole for every reader at once, but durable only after `sync`: for images that a crash may take back. */
  putLazily(data: Uint8Array): string {
    const digest = digestOf(data);
    const file = this.#file(digest);
    writeFileSync(`${file}.tmp`, data, { mode: 0o600 });
    renameSync(`${file}.tmp`, file);
    this.#unsynced.add(digest);
    return digest;
  }

  /** What was put lazily survives a crash of the machine from now on. */
  async sync(): Promise<void> {
    if (this.#unsynced.size === 0) return;
    const digests = [...this.#unsynced];
    this.#unsynced.clear();
    for (const digest of digests) await syncFile(this.#file(digest));
    await syncDirectory(this.#directory);
  }

  /** undefined when it is missing or no longer what its name says. */
  async get(digest: string): Promise<Uint8Array | undefined> {
    try {
      const data = await readFile(this.#file(digest));
      return digestOf(data) === digest ? data : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  async remove(digest: string): Promise<void> {
    this.#unsynced.delete(digest);
    await unlink(this.#file(digest)).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error;
    });
  }

  #file(digest: string): string {
    // SECURITY: a digest is the only thing that ever becomes a path here.
    if (!isSha256(digest)) throw new Error(`not a sha256 digest: ${digest}`);
    return path.join(this.#directory, digest.slice('sha256:'.length));
  }
}
