import os from 'node:os';
import path from 'node:path';

type Environment = Readonly<Record<string, string | undefined>>;

/** Root's engine is the machine's; a user's lies in their XDG directories (basedir-spec). */
export function defaultRoots(uid: number, env: Environment): { dataRoot: string; runRoot: string } {
  if (uid === 0) return { dataRoot: '/var/lib/gantry', runRoot: '/run/gantry' };
  return { dataRoot: path.join(userData(env), 'gantry'), runRoot: userRunRoot(uid, env) };
}

export function userData(env: Environment): string {
  return env['XDG_DATA_HOME'] || path.join(env['HOME'] ?? os.homedir(), '.local/share');
}

/** Without a login session there is no XDG_RUNTIME_DIR; whoever uses the directory in /tmp checks its owner. */
function userRunRoot(uid: number, env: Environment): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  return runtime ? path.join(runtime, 'gantry') : path.join(os.tmpdir(), `gantry-${uid}`);
}
