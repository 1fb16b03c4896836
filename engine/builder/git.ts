import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PassThrough, type Readable } from 'node:stream';
import { errnoOf, invalidArgument, messageOf } from '../lib/errors.ts';
import { SourceTree } from './source-tree.ts';

/** `https://…/x.git[#ref[:directory]]`, `git://…`, `git@host:…`, `github.com/…`. */
export function isGitAddress(text: string): boolean {
  return (
    /^https?:\/\/[^#?]+\.git(?:#.*)?$/.test(text) || /^(?:git:\/\/|ssh:\/\/|git@|github\.com\/)/.test(text)
  );
}

interface GitRequest {
  address: string;
  /** A new name for what is needed meanwhile. */
  spool: string;
  signal: AbortSignal;
}

interface GitAddress {
  url: string;
  /** A branch, tag or commit. */
  reference: string;
  /** '' is the top. */
  directory: string;
}

/** Reads a revision of a repository; nothing of it is checked out, and no hook or filter of it runs. */
export async function fetchGit(request: GitRequest): Promise<SourceTree> {
  return withRepository(request, ({ directory }, git) =>
    readArchive(git, directory === '' ? 'FETCH_HEAD' : `FETCH_HEAD:${directory}`, request.spool),
  );
}

/**
 * The same with the repository itself, `.git`, that knows this revision alone, as `ADD --keep-git-dir` wants it;
 * undefined for a part of a repository, as in BuildKit. `readDirectory`: a tar of a directory of this machine.
 */
export async function fetchGitDirectory(
  request: GitRequest,
  readDirectory: (directory: string, name: string) => AsyncIterable<Uint8Array>,
): Promise<{ files: SourceTree; repository: SourceTree | undefined }> {
  return withRepository(request, async ({ url, directory }, git) => {
    if (directory !== '')
      return {
        files: await readArchive(git, `FETCH_HEAD:${directory}`, request.spool),
        repository: undefined,
      };
    const files = await readArchive(git, 'FETCH_HEAD', request.spool);
    try {
      await git.run('update-ref', '--no-deref', 'HEAD', 'FETCH_HEAD');
      await git.run('read-tree', 'HEAD');
      await git.run('config', 'core.bare', 'false');
      await git.run('remote', 'add', 'origin', url);
      for (const name of ['FETCH_HEAD', 'info'])
        await rm(path.join(git.directory, name), { recursive: true, force: true });
      const tar = readDirectory(git.directory, '.git');
      return { files, repository: await SourceTree.read(tar, `${request.spool}.index`) };
    } catch (error) {
      await files.close();
      throw error;
    }
  });
}

async function readArchive(git: Git, tree: string, spool: string): Promise<SourceTree> {
  const { stdout, done } = git.start(['archive', '--format=tar', tree]);
  const [files] = await Promise.all([SourceTree.read(stdout, spool), done]);
  return files;
}

/** `use` gets a repository in which FETCH_HEAD is what was asked for. */
async function withRepository<T>(
  { address, spool, signal }: GitRequest,
  use: (address: GitAddress, git: Git) => Promise<T>,
): Promise<T> {
  const parsed = parseGitAddress(address);
  const git = createGit(`${spool}.git`, signal);
  await mkdir(git.directory, { mode: 0o700 });
  try {
    await git.run('init', '--quiet', '--bare', '--template=', '--initial-branch=master');
    await mkdir(path.join(git.directory, 'info'));
    // A checkout has every file as it is.
    await writeFile(path.join(git.directory, 'info/attributes'), '* -export-ignore -export-subst\n');
    await fetchRevision(git, parsed);
    return await use(parsed, git);
  } finally {
    await rm(git.directory, { recursive: true, force: true });
  }
}

function parseGitAddress(address: string): GitAddress {
  const [location = '', fragment = ''] = address.split('#', 2);
  const [reference = '', directory = ''] = fragment.split(':', 2);
  const url = location.startsWith('github.com/') ? `https://${location}` : location;
  // SECURITY: nothing of an address may be read as an option.
  for (const part of [url, reference, directory])
    if (part.startsWith('-')) throw invalidArgument(`invalid git address: ${address}`);
  return {
    url,
    reference: reference === '' ? 'HEAD' : reference,
    directory: path.posix.join('/', directory).slice(1).replace(/\/$/, ''),
  };
}

async function fetchRevision(git: Git, { url, reference }: GitAddress): Promise<void> {
  try {
    await git.run('fetch', '--quiet', '--depth=1', '--no-tags', '--', url, reference);
  } catch (error) {
    // A plain web server has the files of a repository, but cannot choose among them.
    if (messageOf(error).includes('shallow'))
      return git.run('fetch', '--quiet', '--no-tags', '--', url, reference);
    // A commit can often not be asked for by itself.
    if (!/^[0-9a-f]{7,64}$/.test(reference)) throw error;
    await git.run('fetch', '--quiet', '--', url, '+refs/*:refs/*');
    await git.run('update-ref', 'FETCH_HEAD', reference);
  }
}

interface Git {
  directory: string;
  run(...args: string[]): Promise<void>;
  start(args: string[]): { stdout: Readable; done: Promise<void> };
}

/** SECURITY: only transports that fetch, no configuration of the user, no questions at a terminal. */
function createGit(directory: string, signal: AbortSignal): Git {
  const start = (args: string[]): ReturnType<Git['start']> => {
    const child = spawn('git', args, {
      cwd: directory,
      signal,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: directory,
        GIT_DIR: directory,
        GIT_TERMINAL_PROMPT: '0',
        GIT_ALLOW_PROTOCOL: 'http:https:git:ssh',
        GIT_CONFIG_NOSYSTEM: '1',
        GIT_SSH_COMMAND: 'ssh -oBatchMode=yes',
      },
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      if (stderr.length < 4096) stderr += text;
    });
    const done = new Promise<void>((resolve, reject) => {
      child.once('error', (error) => {
        reject(
          errnoOf(error) === 'ENOENT'
            ? invalidArgument('git contexts need the git command, which is not installed')
            : error,
        );
      });
      child.once('close', (code) => {
        if (code === 0) resolve();
        else reject(invalidArgument(`unable to prepare context: git ${args[0]} failed: ${stderr.trim()}`));
      });
    });
    done.catch(() => undefined);
    // Held at once: Node throws away what nobody reads of a child that has ended.
    return { stdout: child.stdout.pipe(new PassThrough()), done };
  };
  return {
    directory,
    start,
    async run(...args) {
      const { stdout, done } = start(args);
      stdout.resume();
      await done;
    },
  };
}
