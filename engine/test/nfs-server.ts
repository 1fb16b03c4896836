import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export interface NfsServer {
  stop(): void;
}

const NFSD = '/proc/fs/nfsd';
/** Of <linux/nfsd/export.h>: insecure ports, async, no subtree check, an fsid; root stays root. */
const EXPORT_FLAGS = 0x2 | 0x10 | 0x400 | 0x2000;
/** The second at which the kernel forgets an answer: in 2038. */
const FOREVER = 0x7fff_ffff;

/**
 * The kernel's own server, at 127.0.0.1 for this machine alone, by NFSv4: `directory` is its root. Without a daemon:
 * the questions that it would ask one (who is this, what is exported) are answered before they come. `records` is an
 * empty directory for what it notes about clients. Throws where the kernel has none, or this machine needs its own.
 */
export function startNfsServer(directory: string, records: string): NfsServer {
  spawnSync('modprobe', ['nfsd']);
  if (!existsSync(`${NFSD}/threads`)) execFileSync('mount', ['-t', 'nfsd', 'nfsd', NFSD], { stdio: 'pipe' });
  if (Number(readFileSync(`${NFSD}/threads`, 'utf8')) > 0) throw new Error('this machine serves NFS already');
  // NFSv3 would want rpcbind and lockd.
  writeFileSync(`${NFSD}/versions`, '-3\n');
  writeFileSync(`${NFSD}/nfsv4gracetime`, '10\n');
  writeFileSync(`${NFSD}/nfsv4recoverydir`, `${records}\n`);
  writeFileSync(`${NFSD}/portlist`, 'tcp 2049\n');
  writeFileSync(`${NFSD}/threads`, '2\n');
  answer('auth.unix.ip', `nfsd 127.0.0.1 ${FOREVER} gantry`);
  answer('nfsd.export', `gantry ${directory} ${FOREVER} ${EXPORT_FLAGS} 65534 65534 0`);
  answer('nfsd.fh', `gantry 1 \\x00000000 ${FOREVER} ${directory}`);
  // Nobody has files open from before.
  writeFileSync(`${NFSD}/v4_end_grace`, 'Y\n');
  return { stop: () => writeFileSync(`${NFSD}/threads`, '0\n') };
}

/** To a question of the kernel's server, for its cache of that name. */
function answer(cache: string, line: string): void {
  writeFileSync(`/proc/net/rpc/${cache}/channel`, `${line}\n`);
}
