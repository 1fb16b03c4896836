import { createORPCClient } from '@orpc/client';
import type { ContractRouterClient } from '@orpc/contract';
import { createTanstackQueryUtils } from '@orpc/tanstack-query';
import type { contract } from '../../../electron/api/contract.ts';
import { reconnectingLink } from './transport.ts';

/** Direct calls and streams. */
export const api: ContractRouterClient<typeof contract> = createORPCClient(reconnectingLink);

/** Query and mutation options with hierarchical keys (`queries.containers.key()` covers everything below it). */
export const queries = createTanstackQueryUtils(api);
