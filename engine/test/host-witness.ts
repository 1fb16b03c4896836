import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect } from 'vitest';

/** Files of the host that hostile containers and images are after. */
export interface HostWitness {
  readonly directory: string;
  /** What is in `directory`/secret. */
  readonly secret: string;
  /** A file of the host's /etc. */
  readonly marker: string;
  /** Fails when anything was made, changed or deleted. */
  expectUntouched(): void;
  dispose(): void;
}

export function hostWitness(parent: string): HostWitness {
  const directory = path.join(parent, 'host');
  const secret = 'the-secret-of-the-host';
  const marker = '/etc/gantry-host-marker';
  mkdirSync(path.join(directory, 'directory'), { recursive: true });
  writeFileSync(path.join(directory, 'secret'), secret);
  writeFileSync(marker, '');
  const before = fingerprint(directory);
  return {
    directory,
    secret,
    marker,
    expectUntouched: () => expect(fingerprint(directory)).toEqual(before),
    dispose: () => rmSync(marker, { force: true }),
  };
}

/** Names, modes, owners, times and contents of a tree. */
function fingerprint(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .toSorted()
    .map((name) => {
      const { mode, uid, mtimeMs, nlink } = statSync(path.join(root, name));
      const isFile = statSync(path.join(root, name)).isFile();
      const content = isFile
        ? createHash('sha256')
            .update(readFileSync(path.join(root, name)))
            .digest('hex')
        : '';
      return JSON.stringify({ name, mode, uid, mtimeMs, nlink, content });
    });
}
