import { api } from './implementer.ts';
import { builds } from './handlers/builds.ts';
import { compose } from './handlers/compose.ts';
import { connection, events } from './handlers/connection.ts';
import { containerHandlers } from './handlers/containers.ts';
import { files } from './handlers/files.ts';
import { images } from './handlers/images.ts';
import { networks } from './handlers/networks.ts';
import { registries } from './handlers/registries.ts';
import { settings, windows } from './handlers/settings.ts';
import { system } from './handlers/system.ts';
import { terminal } from './handlers/terminal.ts';
import { volumes } from './handlers/volumes.ts';

/** Every procedure of the contract; the same router answers MessagePort and WebSocket. */
export const router = api.router({
  connection,
  events,
  system,
  containers: containerHandlers,
  terminal,
  files,
  images,
  registries,
  volumes,
  networks,
  compose,
  builds,
  settings,
  windows,
});
