import { hostOf } from '../../../engine/images/registry/login.ts';
import { engineReply } from '../engine-request.ts';
import { api } from '../implementer.ts';

export const registries = {
  accounts: api.registries.accounts.handler(({ context }) => context.accounts.list()),
  login: api.registries.login.handler(async ({ context, input: { server, username, password } }) => {
    const serveraddress = hostOf(server);
    const { IdentityToken: token = '' } = await engineReply<{ IdentityToken?: string }>(context.docker, {
      method: 'POST',
      path: '/auth',
      body: { username, password, serveraddress },
    });
    await context.accounts.keep(server, username, token === '' ? 'password' : 'token', token || password);
  }),
  logout: api.registries.logout.handler(({ context, input: { server } }) => context.accounts.remove(server)),
  repositories: api.registries.repositories.handler(async ({ context, input: { server } }) =>
    engineReply<string[]>(context.docker, {
      method: 'GET',
      path: '/gantry/v1/registries/repositories',
      query: { server },
      auth: await context.accounts.forServer(server),
    }),
  ),
  tags: api.registries.tags.handler(async ({ context, input: { repository } }) =>
    engineReply<string[]>(context.docker, {
      method: 'GET',
      path: '/gantry/v1/registries/tags',
      query: { repository },
      auth: await context.accounts.forImage(repository),
    }),
  ),
};
