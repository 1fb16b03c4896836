import { invalidArgument } from '../lib/errors.ts';
import type { Owner } from './copy-layer.ts';

/** Reads a file of the image, undefined where there is none. */
type ReadFile = (path: string) => Promise<string | undefined>;

const MAX_ID = 2 ** 31 - 1;

/**
 * `--chown=user[:group]`: names are looked up in the image's own /etc/passwd and /etc/group, numbers never are. A user
 * without a group gets the group of the same text. SECURITY (2026-30892, 2024-40635): strict decimals in range.
 */
export async function resolveOwner(text: string, read: ReadFile): Promise<Owner> {
  const [user = '', group = user, ...rest] = text.split(':');
  if (rest.length > 0 || user === '')
    throw invalidArgument(`invalid chown string passed for ADD/COPY: ${text}: it should be user[:group]`);
  const uid = numberOf(user) ?? (await lookUp('user', '/etc/passwd', user, read));
  const gid = numberOf(group) ?? (await lookUp('group', '/etc/group', group, read));
  return { uid, gid };
}

function numberOf(text: string): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  if (value > MAX_ID) throw invalidArgument(`uids and gids must be in range 0-${MAX_ID}`);
  return value;
}

async function lookUp(kind: 'user' | 'group', file: string, name: string, read: ReadFile): Promise<number> {
  const lines = (await read(file))?.split('\n') ?? [];
  const fields = lines.map((line) => line.split(':')).find(([known]) => known === name);
  const id = numberOf(fields?.[2] ?? '');
  if (id === undefined)
    throw invalidArgument(
      `unable to convert uid/gid chown string to host mapping: can't find ${kind === 'user' ? 'uid' : 'gid'} for ${kind} ${name}: no such ${kind}: ${name}`,
    );
  return id;
}
