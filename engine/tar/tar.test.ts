import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineError } from '../lib/errors.ts';
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
  expect(() => read(whole.subarray(0, 514))).toThrow('unexpected EOF');
  expect(() => read(whole.subarray(0, -1))).toThrow('unexpected EOF');
  expect(read(whole.subarray(0, 1024))).toHaveLength(1);
  expect(read(whole.subarray(0, 515))).toEqual([{ entry: FILE, content: 'abc' }]);
});

test('behind a first closing block nothing but a second may follow', () => {
  const [zero, member] = [Buffer.alloc(512), archive([FILE, 'abc'])];
  expect(read(Buffer.concat([member.subarray(0, 1024), zero]))).toHaveLength(1);
  expect(() => read(Buffer.concat([zero, member]))).toThrow('invalid tar header');
});

test.each([
  ['a wrong checksum', (header: Buffer) => header.writeUInt8(1, 0), 'invalid tar header'],
  ['no number as size', (header: Buffer) => header.write('99999999999', 124), 'invalid tar header'],
])('%s is refused', (_, damage, message) => {
  const bytes = archive([FILE, 'abc']);
  damage(bytes);
  expect(() => read(bytes)).toThrow(message);
});

const digestOf = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

const HOLES = `
truncate -s 3M nothing && echo start >start && truncate -s 200000 start && truncate -s 1M end && echo end >>end
truncate -s 8M pieces && for i in $(seq 0 60); do echo $i | dd of=pieces bs=8192 seek=$((i * 3)) conv=notrunc status=none; done
echo plain >plain && : >empty
`;
const SPARSE_FORMATS = [
  ['--format=gnu'],
  ['--format=pax', '--sparse-version=0.0'],
  ['--format=pax', '--sparse-version=0.1'],
  ['--format=pax', '--sparse-version=1.0'],
];

describe('sparse files', () => {
  let directory: string;
  let expected: [string, Buffer][];
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'gantry-tar-sparse-'));
    execFileSync('bash', ['-ec', HOLES], { cwd: directory });
    expected = readdirSync(directory).map((name) => [name, readFileSync(path.join(directory, name))]);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const archiveOf = (options: string[]): Buffer =>
    execFileSync('tar', ['-S', '-cf', '-', ...options, ...expected.map(([name]) => name)], {
      cwd: directory,
      maxBuffer: 1 << 26,
    });

  test.each(SPARSE_FORMATS)('are read as they are without holes (%s %s)', (...options) => {
    const bytes = archiveOf(options);
    expect(bytes.length).toBeLessThan(2 ** 20);
    for (const pieceBytes of [bytes.length, 997]) {
      const files: [string, Buffer[]][] = [];
      const parser = new TarParser({
        entry: ({ name, size }) => {
          expect(size).toBe(expected.find(([known]) => known === name)?.[1].length);
          files.push([name, []]);
        },
        data: (chunk) => files.at(-1)?.[1].push(Buffer.from(chunk)),
      });
      for (let at = 0; at < bytes.length; at += pieceBytes) parser.push(bytes.subarray(at, at + pieceBytes));
      parser.end();
      const read_ = files.map(([name, chunks]) => [name, digestOf(Buffer.concat(chunks))]);
      expect(read_).toEqual(expected.map(([name, content]) => [name, digestOf(content)]));
    }
  });

  test.each(SPARSE_FORMATS)('with a map that lies are refused (%s %s)', (...options) => {
    const bytes = execFileSync('tar', ['-S', '-cf', '-', ...options, 'pieces'], { cwd: directory });
    const size = 8 * 2 ** 20;
    let refused = 0;
    for (let at = 0; at < 4096; at += 3) {
      const damaged = Buffer.from(bytes);
      damaged[at] = 0x31;
      let told = 0;
      const parser = new TarParser({
        entry: () => undefined,
        data: (chunk) => (told += chunk.length),
        hole: (length) => (told += length),
      });
      try {
        parser.push(damaged);
        parser.end();
        expect(told).toBeLessThanOrEqual(2 * size);
      } catch (error) {
        expect(error).toBeInstanceOf(EngineError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });

  test('as large as no disk are refused, unless their holes are told as holes', () => {
    truncateSync(path.join(directory, 'nothing'), 2 ** 40);
    const bytes = execFileSync('tar', ['-S', '-cf', '-', '--format=pax', 'nothing'], { cwd: directory });
    const handler = { entry: () => undefined, data: () => undefined };
    expect(() => new TarParser(handler).push(bytes)).toThrow('sparse files too large');
    let told = 0;
    new TarParser({ ...handler, hole: (length) => (told += length) }).push(bytes);
    expect(told).toBe(2 ** 40);
  });
});
