import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const BUILD = fileURLToPath(new URL('../../build', import.meta.url));
const UID = 61_234;
const NAME = 'gantry-test';
/** Of ids that no distribution hands out. */
const FIRST_SUBORDINATE_ID = 1_500_000_000;

/** Somebody who exists for the processes started by `command` only: the machine's user database stays as it is. */
export interface OrdinaryUser {
  readonly uid: number;
  /** What goes before the engine's flags. */
  command(directory: string): string[];
}

/** Run by root in a mount namespace of its own; $1 is the directory, the rest is what the user runs. */
const BECOME = `
directory=$1; shift
for name in passwd subuid subgid; do mount --bind "$directory/$name" "/etc/$name"; done
mount --bind "$BUILD" "$directory/build"
mount --bind "$NODE" "$directory/node"
export HOME="$directory" XDG_RUNTIME_DIR= XDG_DATA_HOME=
if [ -n "$CGROUP" ]; then
  scope="$CGROUP/scope-$$"
  mkdir -p "$scope"
  echo "+cpu +memory +pids" > "$CGROUP/cgroup.subtree_control"
  for delegated in "$CGROUP" "$scope"; do
    chown ${UID}:${UID} "$delegated" "$delegated/cgroup.procs" "$delegated/cgroup.subtree_control"
  done
  echo $$ > "$scope/cgroup.procs"
fi
cd "$directory"
exec setpriv --reuid ${UID} --regid ${UID} --clear-groups "$@"
`;

/** `cgroup`: a directory of cgroup v2, delegated as systemd does; every engine is started in one of its own in it. */
export function ordinaryUser({ cgroup = '' } = {}): OrdinaryUser {
  return {
    uid: UID,
    command(directory) {
      const put = (name: string, line: string): void =>
        writeFileSync(path.join(directory, name), `${readFileSync(`/etc/${name}`, 'utf8')}${line}\n`);
      put('passwd', `${NAME}:x:${UID}:${UID}::${directory}:/bin/sh`);
      for (const name of ['subuid', 'subgid']) put(name, `${NAME}:${FIRST_SUBORDINATE_ID}:65536`);
      mkdirSync(path.join(directory, 'build'), { recursive: true });
      writeFileSync(path.join(directory, 'node'), '');
      chownSync(directory, UID, UID);
      const become = `BUILD=${quote(BUILD)}; NODE=${quote(process.execPath)}; CGROUP=${quote(cgroup)}; ${BECOME}`;
      const engine = [path.join(directory, 'node'), path.join(directory, 'build/engine/engine.mjs')];
      return ['unshare', '--mount', 'sh', '-ec', become, 'sh', directory, ...engine];
    },
  };
}

/** Why an ordinary user's engine cannot run on this machine, undefined when it can. */
export function whyNotRootless(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can become somebody else';
  for (const tool of ['newuidmap', 'slirp4netns', 'setpriv', 'unshare', 'nsenter']) {
    if (spawnSync('which', [tool]).status !== 0) return `${tool} is not installed`;
  }
  const unshare = ['--reuid', String(UID), '--regid', String(UID), '--clear-groups', 'unshare'];
  const tried = spawnSync('setpriv', [...unshare, '--user', '--mount', '--net', 'true'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return tried.status === 0 ? undefined : `no user namespaces for ordinary users: ${tried.stderr.trim()}`;
}

const quote = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
