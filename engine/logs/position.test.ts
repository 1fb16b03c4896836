import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PartTracker } from './parts.ts';
import { PositionFile } from './position.ts';

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'gantry-log-'));
  file = path.join(directory, 'log-position');
});
afterEach(() => rm(directory, { recursive: true }));

const BEGINNING = { sequence: 0, offset: 0, parts: {} };

describe('PositionFile', () => {
  it('gives back what was written last, a shorter one after a longer one too', () => {
    const positions = new PositionFile(file);
    expect(positions.read()).toEqual(BEGINNING);
    positions.write({
      sequence: 12,
      offset: 123_456_789,
      parts: { stdout: { id: 'a'.repeat(64), ordinal: 3 } },
    });
    positions.write({ sequence: 13, offset: 0, parts: {} });
    positions.close();
    expect(new PositionFile(file).read()).toEqual({ sequence: 13, offset: 0, parts: {} });
  });

  it.each(['', '{"sequence":1,"off', '\0\0\0\0', '{"sequence":"x","offset":0}', 'null'])(
    'begins again where the file says %j',
    async (text) => {
      await writeFile(file, text);
      expect(new PositionFile(file).read()).toEqual(BEGINNING);
    },
  );
});

describe('PartTracker', () => {
  it('numbers the parts of a line by stream, and goes on where another one left off', () => {
    const parts = new PartTracker({});
    expect(parts.next('stdout', true)).toBeUndefined();
    const first = parts.next('stdout', false);
    expect(first).toMatchObject({ ordinal: 1, last: false });
    expect(parts.next('stderr', true)).toBeUndefined();
    const later = new PartTracker(parts.open());
    expect(later.next('stdout', false)).toEqual({ id: first?.id, ordinal: 2, last: false });
    expect(later.next('stdout', true)).toEqual({ id: first?.id, ordinal: 3, last: true });
    expect(later.next('stdout', true)).toBeUndefined();
    expect(later.next('stdout', false)?.id).not.toBe(first?.id);
  });
});
