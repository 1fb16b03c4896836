import path from 'node:path';
import type { Add, Copy } from '../dockerfile/instructions.ts';
import { invalidArgument, messageOf } from '../lib/errors.ts';
import { BuildError } from './build-error.ts';
import { spoolFile } from './build-session.ts';
import type { BaseImage } from './builder-deps.ts';
import type { Step } from './step.ts';
import { selectSources, type CopySource } from './copy-selection.ts';
import { fetchGit, fetchGitDirectory, isGitAddress } from './git.ts';
import { compileIgnorePatterns, type IgnorePatterns } from './ignore-patterns.ts';
import { download, isWebAddress } from './remote.ts';
import { singleFileTree } from './single-file.ts';
import { SourceTree } from './source-tree.ts';
import { unpackArchive } from './unpack-archive.ts';

export interface FoundSources {
  sources: CopySource[];
  /** As written and matched, before archives are unpacked. */
  count: number;
  /** An archive or a repository is unpacked into the destination, whatever it is called. */
  asDirectory: boolean;
  /** Trees made for this step. */
  temporary: SourceTree[];
}

/** Everything a COPY or ADD takes. On failure nothing is left open. */
export async function findSources(step: Step, instruction: Copy | Add): Promise<FoundSources> {
  const found: FoundSources = { sources: [], count: 0, asDirectory: false, temporary: [] };
  try {
    const { word } = step.state.expansion;
    const excludes =
      instruction.excludes.length > 0 ? compileIgnorePatterns(instruction.excludes.map(word)) : undefined;
    for (const text of instruction.sources.map(word)) {
      if (instruction.kind === 'copy') await addCopied(step, instruction, text, excludes, found);
      else await addAdded(step, instruction, text, excludes, found);
    }
    for (const { name, content, expand } of instruction.heredocs) {
      const data = Buffer.from(expand ? step.state.expandDocument(content) : content);
      const { now } = step.session;
      const file = { name, mode: 0o644, sizeBytes: data.length, modifiedAt: now };
      const tree = await singleFileTree(file, [data], spoolFile(step.session));
      found.temporary.push(tree);
      addSelected(found, tree, name, { parents: false, ownership: 'root', excludes });
    }
    return found;
  } catch (error) {
    for (const tree of found.temporary) await tree.close();
    throw error;
  }
}

function addSelected(
  found: FoundSources,
  tree: SourceTree,
  text: string,
  options: Parameters<typeof selectSources>[2],
): CopySource[] {
  const selected = selectSources(tree, text, options);
  found.sources.push(...selected);
  found.count += selected.length;
  return selected;
}

async function addCopied(
  step: Step,
  instruction: Copy,
  text: string,
  excludes: IgnorePatterns | undefined,
  found: FoundSources,
): Promise<void> {
  const { parents } = instruction;
  if (instruction.from === undefined) {
    if (isWebAddress(text)) throw invalidArgument(`source can't be a URL for COPY: ${text}`);
    addSelected(found, contextOf(step), text, { parents, ownership: 'root', excludes });
    return;
  }
  const lowers = await imageLowers(step, step.state.expansion.word(instruction.from));
  const { tree, inside } = await readImagePath(step, lowers, text);
  found.temporary.push(tree);
  addSelected(found, tree, inside, { parents, ownership: 'kept', excludes });
}

function contextOf({ session }: Step): SourceTree {
  if (!session.context) throw invalidArgument('missing build context');
  return session.context;
}

/** Overlay lower directories of a stage or an image. Throws BuildError. */
export async function imageLowers(step: Step, name: string): Promise<string[]> {
  const { session, stageIndex } = step;
  const stage = session.findStage(name, stageIndex);
  const resolve = (): Promise<BaseImage> =>
    session.resolveImage(name, session.options.platform, step.write).catch((error: unknown) => {
      session.signal.throwIfAborted();
      throw new BuildError(`invalid from flag value ${name}: ${messageOf(error)}`, { cause: error });
    });
  const image = await (stage === undefined ? resolve() : session.stages.get(stage));
  return image ? session.deps.images.lowerDirectories(image.id) : [];
}

/**
 * Reads what a path of an image names, with wildcards the directory in front of them; `inside` is the path within the
 * tree. Links are followed in the image, so that the tree holds what they end at.
 */
export async function readImagePath(
  step: Step,
  lowers: readonly string[],
  text: string,
): Promise<{ tree: SourceTree; inside: string }> {
  const { files } = step.session.deps;
  const parts = path.posix.resolve('/', text).split('/').filter(Boolean);
  const wild = parts.findIndex((part) => /[*?[\\]/.test(part));
  const plain = wild < 0 ? parts : parts.slice(0, wild);
  const place = await files.walk(lowers, `/${plain.join('/')}`);
  if (place.rest !== '') throw invalidArgument(`stat ${parts.join('/')}: file does not exist`);
  const real = place.existing.at(-1)?.path || '/';
  const name = plain.at(-1) ?? '';
  const tree = await SourceTree.read(
    files.tar(lowers, real, name, step.session.signal),
    spoolFile(step.session),
  );
  return { tree, inside: [name, ...parts.slice(plain.length)].filter(Boolean).join('/') };
}

async function addAdded(
  step: Step,
  instruction: Add,
  text: string,
  excludes: IgnorePatterns | undefined,
  found: FoundSources,
): Promise<void> {
  const { session } = step;
  if (isGitAddress(text)) {
    await addRepository(step, instruction, text, excludes, found);
    return;
  }
  const isFetched = isWebAddress(text);
  let selected: CopySource[];
  if (isFetched) {
    const tree = await download(text, {
      checksum: instruction.checksum,
      spool: spoolFile(session),
      // Without a name in the address the destination's is taken, unless that is a directory.
      fallbackName: instruction.destination.endsWith('/') ? undefined : 'download',
      signal: session.signal,
    });
    found.temporary.push(tree);
    selected = addSelected(found, tree, '*', { parents: false, ownership: 'root' });
  } else {
    if (instruction.checksum !== undefined)
      throw invalidArgument('checksum requires a single HTTP(S) source: it is not used for local files');
    selected = addSelected(found, contextOf(step), text, { parents: false, ownership: 'root', excludes });
  }
  if (!(instruction.unpack ?? !isFetched)) return;
  for (const source of selected) {
    const tree = await unpackArchive(source, spoolFile(session), session.deps.decompress);
    if (!tree) continue;
    found.temporary.push(tree);
    found.asDirectory = true;
    const unpacked = selectSources(tree, '.', { parents: false, ownership: 'archived', excludes });
    found.sources.splice(found.sources.indexOf(source), 1, ...unpacked);
  }
}

async function addRepository(
  { session }: Step,
  { keepGitDir }: Add,
  address: string,
  excludes: IgnorePatterns | undefined,
  found: FoundSources,
): Promise<void> {
  const { signal, deps } = session;
  const request = { address, spool: spoolFile(session), signal };
  const readDirectory = (directory: string, name: string): AsyncIterable<Uint8Array> =>
    deps.files.tar([directory], '/', name, signal);
  const { files, repository } = keepGitDir
    ? await fetchGitDirectory(request, readDirectory)
    : { files: await fetchGit(request), repository: undefined };
  found.asDirectory = true;
  found.temporary.push(files);
  addSelected(found, files, '.', { parents: false, ownership: 'root', excludes });
  if (!repository) return;
  found.temporary.push(repository);
  // One source, whatever it consists of.
  found.sources.push(...selectSources(repository, '.git', { parents: true, ownership: 'root' }));
}
