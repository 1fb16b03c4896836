import type Dockerode from 'dockerode';
import { containerOf } from '../engine-objects.ts';
import { statusOf } from '../failures.ts';
import { api, streamed } from '../implementer.ts';

/** Best first. */
const SHELLS = [
  '/bin/bash',
  '/usr/bin/bash',
  '/usr/local/bin/bash',
  '/bin/zsh',
  '/usr/bin/zsh',
  '/bin/ash',
  '/bin/sh',
];

export const terminal = {
  shells: api.terminal.shells.handler(async ({ context, input }) => {
    const container = containerOf(context.docker, input.id);
    const found = await Promise.all(SHELLS.map((path) => exists(container, path)));
    return SHELLS.filter((_, index) => found[index]);
  }),
  open: api.terminal.open.handler(({ context, input, signal }) =>
    streamed(signal, context.terminals.open(input, signal)),
  ),
  write: api.terminal.write.handler(async ({ context, input }) => {
    await context.terminals.write(input.sessionId, input.data);
  }),
  resize: api.terminal.resize.handler(async ({ context, input }) => {
    await context.terminals.resize(input.sessionId, input.rows, input.columns);
  }),
};

async function exists(container: Dockerode.Container, path: string): Promise<boolean> {
  try {
    await container.infoArchive({ path });
    return true;
  } catch (error) {
    if (statusOf(error) === 404) return false;
    throw error;
  }
}
