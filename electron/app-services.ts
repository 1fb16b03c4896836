import { createProjectStore } from '../engine/compose/project-store.ts';
import type { ApiContext } from './api/context.ts';
import { composeClientOf } from './api/engine-request.ts';
import { createEngineClient } from './engine-client.ts';
import { EngineConnection } from './engine-connection.ts';
import { ImageUploads } from './image-uploads.ts';
import { SettingsStore } from './settings-store.ts';
import { TerminalSessions } from './terminal-sessions.ts';

interface AppOptions {
  socket: string;
  /** Where settings and compose projects are kept. */
  dataDirectory: string;
  openWindow?: (route: string) => void;
  /** Why no engine could be started, told while none answers. */
  startFailure?: string | undefined;
}

/** The composition root of the app: what every handler works with. */
export function createAppServices(options: AppOptions): ApiContext {
  const docker = createEngineClient(options.socket);
  return {
    docker,
    composeClient: composeClientOf(docker),
    connection: new EngineConnection(docker, options.socket, options.startFailure),
    settings: new SettingsStore(options.dataDirectory),
    projects: createProjectStore(options.dataDirectory),
    terminals: new TerminalSessions(docker),
    uploads: new ImageUploads(docker),
    openWindow: options.openWindow,
  };
}
