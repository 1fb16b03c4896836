import { MessageChannel } from 'node:worker_threads';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/message-port';
import type { ContractRouterClient } from '@orpc/contract';
import { RPCHandler } from '@orpc/server/message-port';
import { expect, test } from 'vitest';
import { createAppServices } from '../app-services.ts';
import type { ApiContext } from './context.ts';
import type { contract } from './contract.ts';
import { router } from './router.ts';

/** The same router over a MessagePort, as in Electron. */
test('calls, failures and streams pass a message port', async () => {
  const context = createAppServices({ socket: '/nonexistent/e.sock', dataDirectory: '/nonexistent' });
  const { port1, port2 } = new MessageChannel();
  new RPCHandler<ApiContext>(router).upgrade(port1, { context });
  const api: ContractRouterClient<typeof contract> = createORPCClient(new RPCLink({ port: port2 }));
  try {
    expect(await api.windows.openLogs({ id: 'x' })).toEqual({ opened: false, route: '/logs/x' });
    await expect(api.containers.list()).rejects.toMatchObject({ code: 'ENGINE_UNREACHABLE' });
    const states = await api.connection.watch();
    expect((await states.next()).value).toMatchObject({ state: 'connecting', socket: '/nonexistent/e.sock' });
    context.connection.start();
    expect((await states.next()).value).toMatchObject({ state: 'disconnected' });
    await states.return(undefined);
  } finally {
    port1.close();
    await context.connection.close();
  }
});
