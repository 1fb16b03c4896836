import path from 'node:path';
import { DEFAULT_SHELL } from '../dockerfile/apply-instruction.ts';
import { SyntaxMistake } from '../dockerfile/dockerfile-error.ts';
import type { Add, Copy } from '../dockerfile/instructions.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { spoolFile } from './build-session.ts';
import { BuildError } from './build-error.ts';
import { perform, type Step } from './step.ts';
import { CopyLayer, fromRoot, type Owner } from './copy-layer.ts';
import { hashSources, membersOf, type CopySource } from './copy-selection.ts';
import { findSources, type FoundSources } from './copy-sources.ts';
import { parseModeChange } from './file-mode.ts';
import { resolveOwner } from './owner.ts';
import { SourceTree } from './source-tree.ts';

/** COPY and ADD: finds the files, and unless the cache knows the result makes the layer. */
export async function copyFiles(step: Step, instruction: Copy | Add): Promise<void> {
  const keyword = instruction.kind.toUpperCase();
  const found = await findSources(step, instruction).catch((error: unknown) => {
    if (error instanceof SyntaxMistake || error instanceof BuildError) throw error;
    throw new BuildError(`${keyword} failed: ${messageOf(error)}`, { cause: error });
  });
  try {
    await copyFound(step, instruction, found);
  } finally {
    for (const tree of found.temporary) await tree.close();
  }
}

async function copyFound(step: Step, instruction: Copy | Add, found: FoundSources): Promise<void> {
  const { state } = step;
  const keyword = instruction.kind.toUpperCase();
  const { word } = state.expansion;
  const written = word(instruction.destination);
  const isDirectory = /(?:^|\/)\.{0,2}$/.test(written);
  if (found.sources.length === 0) throw new BuildError(`${keyword} failed: no source files were specified`);
  if (found.count > 1 && !isDirectory)
    throw invalidArgument(
      `When using ${keyword} with more than one source file, the destination must be a directory and end with a /`,
    );
  const destination = path.posix.resolve('/', state.config.WorkingDir ?? '', written);
  const chown = instruction.chown === undefined ? undefined : word(instruction.chown);
  const chmod = instruction.chmod === undefined ? undefined : parseModeChange(word(instruction.chmod));
  const hash = hashSources(found.sources);
  const comment = `${keyword} ${chown === undefined ? '' : `--chown=${chown} `}${kindOf(found.sources)}:${hash} in ${written} `;
  await perform(step, {
    facts: [keyword, hash, destination, isDirectory || found.asDirectory, chown, chmod, instruction.link],
    createdBy: `${DEFAULT_SHELL.join(' ')} #(nop) ${comment}`,
    inputs: { source: instruction.source, files: digestsOf(found.sources) },
    async make() {
      const owner = chown === undefined ? undefined : await ownerOf(step, chown);
      const { files, images } = step.session.deps;
      const lowers = lowersOf(step);
      const place =
        lowers.length === 0 || instruction.link
          ? fromRoot(destination)
          : await files.walk(lowers, destination);
      const layer = new CopyLayer(place, {
        asDirectory: isDirectory || found.asDirectory,
        owner,
        chmod,
        now: step.session.now,
        latest: step.session.epoch,
      });
      for (const source of found.sources) layer.add(source);
      return (await images.layers.ingest({ signal: step.session.signal }, layer.tar())).diffId;
    },
  });
}

/** More files than a person wants to read are not remembered. */
const MAX_REMEMBERED = 500;

function digestsOf(sources: readonly CopySource[]): Record<string, string> | undefined {
  const digests: Record<string, string> = {};
  let count = 0;
  for (const source of sources) {
    for (const { node, path: below } of membersOf(source)) {
      if (node.type === 'directory') continue;
      count += 1;
      if (count > MAX_REMEMBERED) return undefined;
      digests[below === '' ? source.name : path.posix.join(source.name, below)] = (
        node.digest || node.link
      ).slice(0, 16);
    }
  }
  return digests;
}

function kindOf([first, ...rest]: readonly CopySource[]): string {
  if (rest.length > 0) return 'multi';
  return first?.node.type === 'directory' ? 'dir' : 'file';
}

export function lowersOf({ session, state }: Step): string[] {
  return state.imageId === undefined ? [] : session.deps.images.lowerDirectories(state.imageId);
}

function ownerOf(step: Step, chown: string): Promise<Owner> {
  return resolveOwner(chown, (file) => readImageFile(step, file));
}

/** Names of users: no image has more of them than this. */
const MAX_DATABASE_BYTES = 8 * 1024 * 1024;

async function readImageFile(step: Step, file: string): Promise<string | undefined> {
  const { files } = step.session.deps;
  const lowers = lowersOf(step);
  if (lowers.length === 0) return undefined;
  const place = await files.walk(lowers, file);
  const real = place.existing.at(-1)?.path;
  if (place.rest !== '' || real === undefined) return undefined;
  const tree = await SourceTree.read(
    files.tar(lowers, real, 'file', step.session.signal),
    spoolFile(step.session),
  );
  try {
    return (await tree.readFile('file', MAX_DATABASE_BYTES))?.toString('utf8');
  } finally {
    await tree.close();
  }
}
