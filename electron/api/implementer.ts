import { implement } from '@orpc/server';
import type { ApiContext } from './context.ts';
import { contract } from './contract.ts';
import { toApiError } from './failures.ts';

/** The contract with our context; every failure leaves as `{code, message, hint}`. */
export const api = implement(contract)
  .$context<ApiContext>()
  .use(async ({ next }) => {
    try {
      return await next();
    } catch (error) {
      throw toApiError(error);
    }
  });

/**
 * A stream that ends quietly when its reader cancelled it (`signal`) and fails as `{code, message, hint}` otherwise:
 * what a generator throws passes no middleware.
 */
export async function* streamed<T>(
  signal: AbortSignal | undefined,
  source: AsyncIterable<T>,
): AsyncGenerator<T, void> {
  try {
    yield* source;
  } catch (error) {
    if (signal?.aborted) return;
    throw toApiError(error);
  }
}
