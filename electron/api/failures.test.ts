import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { conflict } from '../../engine/lib/errors.ts';
import { explainUnknownOperation, failure, toApiError } from './failures.ts';

const engineError = (statusCode: number, message: string, json: unknown = null) =>
  Object.assign(new Error(`(HTTP code ${statusCode}) some reason - ${message} `), { statusCode, json });

test.each([
  [400, 'BAD_REQUEST'],
  [404, 'NOT_FOUND'],
  [409, 'CONFLICT'],
  [418, 'BAD_REQUEST'],
  [500, 'INTERNAL_SERVER_ERROR'],
  [501, 'NOT_IMPLEMENTED'],
  [503, 'SERVICE_UNAVAILABLE'],
])('the engine status %d becomes %s with the text of the engine', (status, code) => {
  const plain = toApiError(engineError(status, 'No such container: x - y'));
  expect(plain).toMatchObject({ code, message: 'No such container: x - y' });
  expect(plain.data).toEqual({ code, message: 'No such container: x - y' });
  expect(toApiError(engineError(status, 'x', { message: 'from json' })).message).toBe('from json');
});

test('a domain error keeps its hint', () => {
  expect(toApiError(conflict('taken', { hint: 'choose another' }))).toMatchObject({
    code: 'CONFLICT',
    data: { code: 'CONFLICT', message: 'taken', hint: 'choose another' },
  });
});

test('a socket where nobody listens is an unreachable engine', async () => {
  const error = await new Promise((resolve) => connect('/nonexistent/gantry.sock').on('error', resolve));
  expect(toApiError(error)).toMatchObject({ code: 'ENGINE_UNREACHABLE' });
});

test('failures of the app pass, everything else is internal', () => {
  const own = failure('NOT_AVAILABLE', 'not available on this engine');
  expect(toApiError(own)).toBe(own);
  expect(toApiError(new TypeError('bug'))).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', message: 'bug' });
});

test("an operation of Gantry's own is not available where the engine knows no such page", () => {
  expect(() => explainUnknownOperation(engineError(404, 'page not found'))).toThrow(
    expect.objectContaining({ code: 'NOT_AVAILABLE' }),
  );
  const missing = engineError(404, 'No such build: x');
  expect(() => explainUnknownOperation(missing)).toThrow(missing);
});
