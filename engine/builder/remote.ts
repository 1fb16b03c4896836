import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf, invalidArgument, messageOf } from '../lib/errors.ts';
import { singleFileTree } from './single-file.ts';
import { SourceTree } from './source-tree.ts';

export function isWebAddress(text: string): boolean {
  return /^https?:\/\//.test(text);
}

/** `https://…/x.git[#ref[:directory]]`, `git://…`, `git@host:…`, `github.com/…`. */
export function isGitAddress(text: string): boolean {
  return (
    /^https?:\/\/[^#?]+\.git(?:#.*)?$/.test(text) || /^(?:git:\/\/|ssh:\/\/|git@|github\.com\/)/.test(text)
  );
}

interface DownloadOptions {
  /** `sha256:…` (or sha384, sha512) of the content. */
  checksum?: string | undefined;
  /** A new file name. */
  spool: string;
  /** When the address names none; undefined: that is an error. */
  fallbackName: string | undefined;
  signal: AbortSignal;
}

const MAX_REDIRECTS = 10;
/** A server that says nothing for so long is given up. */
const SILENCE_MS = 60_000;

/** Fetches a file. Throws invalid-argument with what the server said, or for a wrong checksum. */
export async function download(address: string, options: DownloadOptions): Promise<SourceTree> {
  const { checksum, spool, fallbackName, signal } = options;
  const name = path.posix.basename(decodeURIComponent(new URL(address).pathname)) || fallbackName;
  if (name === undefined) throw invalidArgument(`cannot determine filename for source ${address}`);
  const file = `${spool}.download`;
  try {
    const response = await request(address, signal, MAX_REDIRECTS);
    const hash = checksum === undefined ? undefined : hashFor(checksum);
    response.on('data', (chunk: Buffer) => hash?.update(chunk));
    await pipeline(response, createWriteStream(file, { flags: 'wx', mode: 0o600 }), { signal });
    const actual = hash && `${checksum?.split(':')[0]}:${hash.digest('hex')}`;
    if (actual !== checksum?.toLowerCase()) throw invalidArgument(`digest mismatch ${actual}: ${checksum}`);
    const { size } = await stat(file);
    const modifiedAt = Math.max(
      0,
      Math.floor(Date.parse(response.headers['last-modified'] ?? '') / 1000) || 0,
    );
    return await singleFileTree(
      { name, mode: 0o600, sizeBytes: size, modifiedAt },
      createReadStream(file),
      spool,
    );
  } finally {
    await rm(file, { force: true });
  }
}

function hashFor(checksum: string) {
  const [, algorithm = ''] = /^(sha256|sha384|sha512):[0-9a-fA-F]+$/.exec(checksum) ?? [];
  if (algorithm === '') throw invalidArgument(`invalid checksum digest format: ${checksum}`);
  return createHash(algorithm);
}

/** The body of the first answer that is no redirect. */
function request(address: string, signal: AbortSignal, redirects: number): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { protocol } = new URL(address);
    const { get } = protocol === 'https:' ? https : http;
    const call = get(address, { signal, headers: { 'User-Agent': 'gantry' } }, (response) => {
      const { statusCode = 0, headers } = response;
      if (statusCode >= 300 && statusCode < 400 && headers.location !== undefined) {
        response.resume();
        const next = new URL(headers.location, address);
        if (redirects === 0 || !isWebAddress(next.href))
          reject(invalidArgument(`failed to GET ${address}: too many redirects`));
        else request(next.href, signal, redirects - 1).then(resolve, reject);
        return;
      }
      if (statusCode < 200 || statusCode >= 300) {
        response.resume();
        reject(
          invalidArgument(
            `failed to GET ${address} with status ${statusCode} ${response.statusMessage ?? ''}: `,
          ),
        );
        return;
      }
      resolve(response);
    });
    call.setTimeout(SILENCE_MS, () => call.destroy(new Error('the server fell silent')));
    call.once('error', (error) => {
      reject(
        signal.aborted ? error : invalidArgument(`Get "${address}": ${messageOf(error)}`, { cause: error }),
      );
    });
  });
}

/** The body of an address that is a build context or a Dockerfile. */
export function openRemote(address: string, signal: AbortSignal): Promise<http.IncomingMessage> {
  return request(address, signal, MAX_REDIRECTS);
}

/** Reads a revision of a repository; nothing of it is checked out, and no hook or filter of it runs. */
export async function fetchGit(address: string, spool: string, signal: AbortSignal): Promise<SourceTree> {
  const [location = '', fragment = ''] = address.split('#', 2);
  const [reference = '', directory = ''] = fragment.split(':', 2);
  const url = location.startsWith('github.com/') ? `https://${location}` : location;
  // SECURITY: nothing of an address may be read as an option.
  for (const part of [url, reference, directory])
    if (part.startsWith('-')) throw invalidArgument(`invalid git address: ${address}`);
  const repository = `${spool}.git`;
  await mkdir(repository, { mode: 0o700 });
  try {
    await git(repository, ['init', '--quiet', '--bare'], signal);
    const wanted = reference === '' ? 'HEAD' : reference;
    await git(repository, ['fetch', '--quiet', '--depth=1', '--', url, wanted], signal).catch(
      async (error: unknown) => {
        // A commit can often not be asked for by itself.
        if (!/^[0-9a-f]{7,64}$/.test(wanted)) throw error;
        await git(repository, ['fetch', '--quiet', '--', url, '+refs/*:refs/*'], signal);
        await git(repository, ['update-ref', 'FETCH_HEAD', wanted], signal);
      },
    );
    const clean = path.posix.join('/', directory).slice(1);
    const child = startGit(
      repository,
      ['archive', '--format=tar', clean === '' ? 'FETCH_HEAD' : `FETCH_HEAD:${clean}`],
      signal,
    );
    const [tree] = await Promise.all([
      SourceTree.read(child.stdout as AsyncIterable<Uint8Array>, spool),
      child.done,
    ]);
    return tree;
  } finally {
    await rm(repository, { recursive: true, force: true });
  }
}

async function git(repository: string, args: string[], signal: AbortSignal): Promise<void> {
  const { stdout, done } = startGit(repository, args, signal);
  stdout.resume();
  await done;
}

/** SECURITY: only transports that fetch, no configuration of the user, no questions at a terminal. */
function startGit(repository: string, args: string[], signal: AbortSignal) {
  const child = spawn('git', args, {
    cwd: repository,
    signal,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      HOME: repository,
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
  return { stdout: child.stdout, done };
}
