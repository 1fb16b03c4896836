import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, test } from 'vitest';
import { paddingOf, type TarEntry } from './tar-entry.ts';
import { TAR_END, encodeTarHeader } from './tar-header.ts';
import { TarParser } from './tar-parser.ts';

const FILE: TarEntry = {
  name: 'a/b',
  type: 'file',
  mode: 0o4755,
  uid: 1,
  gid: 2,
  size: 3,
  modifiedAt: 1_700_000_000,
  link: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

function archive(...members: [TarEntry, string][]): Buffer {
  const parts = members.flatMap(([entry, content]) => [
    encodeTarHeader(entry),
    Buffer.from(content),
    Buffer.alloc(paddingOf(entry.size)),
  ]);
  return Buffer.concat([...parts, TAR_END]);
}

function read(bytes: Buffer, pieceBytes = bytes.length): { entry: TarEntry; content: string }[] {
  const members: { entry: TarEntry; content: string }[] = [];
  const parser = new TarParser({
    entry: (entry) => members.push({ entry, content: '' }),
    data(chunk) {
      const last = members.at(-1);
      if (last) last.content += Buffer.from(chunk).toString();
    },
  });
  for (let at = 0; at < bytes.length; at += pieceBytes) parser.push(bytes.subarray(at, at + pieceBytes));
  parser.end();
  return members;
}

const MEMBERS: [TarEntry, string][] = [
  [FILE, 'abc'],
  [{ ...FILE, name: `${'long/'.repeat(60)}한글`, uid: 3_000_000_000, modifiedAt: 12.345 }, 'xyz'],
  [
    { ...FILE, name: 'd/', type: 'directory', size: 0, xattrs: new Map([['user.x', Buffer.from([0, 255])]]) },
    '',
  ],
  [{ ...FILE, name: 'l', type: 'symlink', size: 0, link: 'x'.repeat(200) }, ''],
  [{ ...FILE, name: 'n', type: 'character', size: 0, major: 1, minor: 3 }, ''],
];

test.each([1, 7, 511, 513, 100_000])('what was written is read again in pieces of %i bytes', (pieceBytes) => {
  const read_ = read(archive(...MEMBERS), pieceBytes);
  expect(read_).toEqual(MEMBERS.map(([entry, content]) => ({ entry, content })));
});

test('GNU tar reads what is written, and its archives are read', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gantry-tar-'));
  try {
    const file = path.join(directory, 'x.tar');
    writeFileSync(file, archive(...MEMBERS.slice(0, 2)));
    const listed = execFileSync('tar', [
      '-tvf',
      file,
      '--numeric-owner',
      '--quoting-style=literal',
    ]).toString();
    expect(listed).toContain('-rwsr-xr-x 1/2');
    expect(listed).toContain('한글');
    const long = `${'n'.repeat(120)}/file`;
    execFileSync(
      'sh',
      ['-c', `mkdir -p ${path.dirname(long)} && echo hi > ${long} && tar -cf y.tar --format=gnu ${long}`],
      {
        cwd: directory,
      },
    );
    const [member] = read(execFileSync('cat', [path.join(directory, 'y.tar')]));
    expect(member).toMatchObject({ entry: { name: long, type: 'file' }, content: 'hi\n' });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('a cut archive is refused, one without closing blocks is not', () => {
  const whole = archive([FILE, 'abc']);
  expect(() => read(whole.subarray(0, 600))).toThrow('unexpected EOF');
  expect(read(whole.subarray(0, 1024))).toHaveLength(1);
});

test.each([
  ['a wrong checksum', (header: Buffer) => header.writeUInt8(1, 0), 'invalid tar header'],
  ['no number as size', (header: Buffer) => header.write('99999999999', 124), 'invalid tar header'],
])('%s is refused', (_, damage, message) => {
  const bytes = archive([FILE, 'abc']);
  damage(bytes);
  expect(() => read(bytes)).toThrow(message);
});
