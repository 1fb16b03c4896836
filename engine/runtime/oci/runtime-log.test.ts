import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ShimStageError } from '../runtime.ts';
import { explainRuntimeFailure, lastError, LOG_NAME } from './runtime-log.ts';

it('finds the last error among warnings and broken lines', () => {
  const log = [
    '{"level":"error","msg":"first"}',
    '{"level":"error","msg":"the reason"}',
    '{"level":"warning","msg":"later"}',
    '{"level":"err',
  ];
  expect(lastError(log.join('\n'))).toBe('the reason');
  expect(lastError('no JSON at all\n')).toBeUndefined();
});

it('puts the reason of the runtime in place of its exit status, spelled as the docker CLI reads it', async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), 'gantry-log-'));
  try {
    const message = 'executable file `foo` not found in $PATH: No such file or directory';
    await writeFile(path.join(directory, LOG_NAME), JSON.stringify({ level: 'error', msg: message }));
    const failure = { stage: 'runtime', errno: '', message: 'create exited with status 1' };
    const error = await explainRuntimeFailure(directory, new ShimStageError(failure));
    expect((error as ShimStageError).failure.message).toBe(
      'executable file `foo` not found in $PATH: no such file or directory',
    );
    const other = new ShimStageError({ ...failure, stage: 'mount' });
    expect(await explainRuntimeFailure(directory, other)).toBe(other);
  } finally {
    await rm(directory, { recursive: true });
  }
});
