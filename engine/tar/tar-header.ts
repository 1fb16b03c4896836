import { BLOCK_BYTES, TYPE_FLAGS, XATTR_PREFIX, paddingOf, type TarEntry } from './tar-entry.ts';

/** Two zero blocks end an archive. */
export const TAR_END = Buffer.alloc(2 * BLOCK_BYTES);

/**
 * The header of a member, with a pax header in front where ustar's fields are too small for it. The same entry always
 * gives the same bytes. Content and padding follow from the caller.
 */
export function encodeTarHeader(entry: TarEntry): Buffer {
  const pax = paxRecords(entry);
  if (pax.length === 0) return ustarHeader(entry, flagOf(entry));
  const data = Buffer.concat(pax);
  const extended: TarEntry = {
    ...entry,
    name: `PaxHeaders/${entry.name.split('/').at(-1) ?? ''}`.slice(0, 90),
    mode: 0o644,
    size: data.length,
    link: '',
    modifiedAt: 0,
  };
  return Buffer.concat([
    ustarHeader(extended, 'x'),
    data,
    Buffer.alloc(paddingOf(data.length)),
    ustarHeader(entry, flagOf(entry)),
  ]);
}

/** The header of a file or directory that belongs to root, with the usual permissions. */
export function rootTarHeader(
  entry: Pick<TarEntry, 'name' | 'size' | 'modifiedAt'> & { type: 'file' | 'directory' },
): Buffer {
  const mode = entry.type === 'directory' ? 0o755 : 0o644;
  const none = { uid: 0, gid: 0, link: '', major: 0, minor: 0, xattrs: new Map<string, Buffer>() };
  return encodeTarHeader({ ...entry, ...none, mode });
}

function flagOf({ type }: TarEntry): string {
  return TYPE_FLAGS.find(([known]) => known === type)?.[1] ?? '0';
}

const MAX_OCTAL_7 = 0o7777777;
const MAX_OCTAL_11 = 0o77777777777;

function paxRecords(entry: TarEntry): Buffer[] {
  const records: Buffer[] = [];
  const add = (key: string, value: string | Buffer): void => {
    records.push(paxRecord(key, typeof value === 'string' ? Buffer.from(value) : value));
  };
  if (!fitsField(entry.name, 100)) add('path', entry.name);
  if (!fitsField(entry.link, 100)) add('linkpath', entry.link);
  if (entry.size > MAX_OCTAL_11) add('size', String(entry.size));
  if (entry.uid > MAX_OCTAL_7) add('uid', String(entry.uid));
  if (entry.gid > MAX_OCTAL_7) add('gid', String(entry.gid));
  const isPlainTime =
    Number.isInteger(entry.modifiedAt) && entry.modifiedAt >= 0 && entry.modifiedAt <= MAX_OCTAL_11;
  if (!isPlainTime) add('mtime', String(entry.modifiedAt));
  for (const name of [...entry.xattrs.keys()].sort())
    add(XATTR_PREFIX + name, entry.xattrs.get(name) ?? Buffer.alloc(0));
  return records;
}

/** ASCII that fits; anything else goes into a pax record, whose text is UTF-8 by definition. */
function fitsField(text: string, bytes: number): boolean {
  return text.length <= bytes && /^[\x20-\x7e]*$/.test(text);
}

/** The length counts itself. */
function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3;
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')]);
}

function ustarHeader(entry: TarEntry, flag: string): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(asciiOf(entry.name).slice(0, 100), 0, 'latin1');
  octal(header, 100, 8, entry.mode);
  octal(header, 108, 8, entry.uid);
  octal(header, 116, 8, entry.gid);
  octal(header, 124, 12, entry.size);
  octal(header, 136, 12, Math.max(0, Math.floor(entry.modifiedAt)));
  header.write(flag, 156, 'latin1');
  header.write(asciiOf(entry.link).slice(0, 100), 157, 'latin1');
  header.write('ustar\u000000', 257, 'latin1');
  octal(header, 329, 8, entry.major);
  octal(header, 337, 8, entry.minor);
  header.fill(0x20, 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

function asciiOf(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]/g, '_');
}

/** What does not fit stands in a pax record. */
function octal(header: Buffer, start: number, length: number, value: number): void {
  const digits = value.toString(8).padStart(length - 1, '0');
  header.write(digits.length < length ? digits : '0'.repeat(length - 1), start, 'latin1');
}
