import { describe, expect, it } from 'vitest';
import { conflict } from '../lib/errors.ts';
import { ShimStageError } from '../runtime/runtime.ts';
import { toExecFailure, toStartFailure } from './start-failure.ts';

const failure = (stage: string, errno: string, message = 'went wrong') =>
  new ShimStageError({ stage, errno, message });

describe('toStartFailure', () => {
  it('says that a command was not found so that the CLI exits with 127', () => {
    const { error, exitCode } = toStartFailure(failure('exec', 'ENOENT'), ['foo', 'bar']);
    expect(error.kind).toBe('invalid-argument');
    expect(error.message).toBe(
      'failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "foo": executable file not found in $PATH: unknown',
    );
    expect(exitCode).toBe(127);
    expect(toStartFailure(failure('exec', 'ENOENT'), ['/foo']).error.message).toContain(
      'exec: "/foo": stat /foo: no such file or directory',
    );
  });

  it('says permission denied so that the CLI exits with 126', () => {
    const { error, exitCode } = toStartFailure(failure('exec', 'EACCES'), ['/etc/passwd']);
    expect(error.message).toContain('exec: "/etc/passwd": permission denied');
    expect(exitCode).toBe(126);
  });

  it('keeps an error of ours and makes the rest internal', () => {
    const ours = conflict('port is already allocated');
    expect(toStartFailure(ours, [])).toEqual({ error: ours, exitCode: 128 });
    expect(toStartFailure(failure('mount', 'EPERM'), ['sh']).error.kind).toBe('internal');
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    expect(toStartFailure(full, ['sh']).error.kind).toBe('no-space');
    expect(toStartFailure(new Error('socket closed'), ['sh']).error.message).toBe('socket closed');
  });
});

describe('a user that is not there', () => {
  const wrongUser = failure('user', 'ENOENT', 'unable to find user x');

  it('is told without the runtime in front, as a fault of the engine', () => {
    const { error, exitCode } = toStartFailure(wrongUser, ['id']);
    expect({ kind: error.kind, message: error.message, exitCode }).toEqual({
      kind: 'internal',
      message: 'unable to find user x',
      exitCode: 128,
    });
  });

  it('makes an exec end with 126', () => {
    const { error, exitCode } = toExecFailure(wrongUser, ['id']);
    expect({ kind: error.kind, message: error.message, exitCode }).toEqual({
      kind: 'internal',
      message: 'unable to find user x',
      exitCode: 126,
    });
  });
});

it('says that an exec command was not found', () => {
  const { error, exitCode } = toExecFailure(failure('exec', 'ENOENT'), ['foo']);
  expect(error.kind).toBe('invalid-argument');
  expect(error.message).toBe(
    'OCI runtime exec failed: exec failed: unable to start container process: exec: "foo": executable file not found in $PATH: unknown',
  );
  expect(exitCode).toBe(127);
});

it('reads the words of another runtime', () => {
  const words = 'exec failed: exec: "foo": executable file not found in $PATH';
  const { error, exitCode } = toExecFailure(failure('runtime', '', words), ['foo']);
  expect(error.message).toBe(`OCI runtime exec failed: ${words}: unknown`);
  expect(exitCode).toBe(127);
});
