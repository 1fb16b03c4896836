import { ORPCError } from '@orpc/client';
import type { ApiFailure } from '../../../electron/api/types.ts';

/** What went wrong, in the one shape the UI draws; branches are on `code`, never on the text. */
export function toFailure(error: unknown): ApiFailure {
  if (error instanceof ORPCError) {
    const data: unknown = error.data;
    const detail = typeof data === 'object' && data !== null ? (data as Partial<ApiFailure>) : {};
    return {
      code: detail.code ?? String(error.code),
      message: detail.message ?? error.message,
      hint: detail.hint,
    };
  }
  if (error instanceof Error) return { code: 'TRANSPORT', message: error.message };
  return { code: 'UNKNOWN', message: String(error) };
}

export function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}
