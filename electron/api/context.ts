import type Dockerode from 'dockerode';
import type { EngineConnection } from '../engine-connection.ts';
import type { SettingsStore } from '../settings-store.ts';
import type { ComposeClient } from '../../engine/compose/client.ts';
import type { ProjectStore } from '../../engine/compose/project-store.ts';
import type { TerminalSessions } from '../terminal-sessions.ts';
import type { ImageUploads } from '../image-uploads.ts';
import type { RestoreUploads } from '../restore-uploads.ts';
import type { FileUploads } from './file-writes.ts';
import type { RegistryAccounts } from '../registry-accounts.ts';

/** What every handler is given; one per app, shared by all windows and tabs. */
export interface ApiContext {
  docker: Dockerode;
  /** The same engine, as compose sees it. */
  composeClient: ComposeClient;
  connection: EngineConnection;
  settings: SettingsStore;
  projects: ProjectStore;
  terminals: TerminalSessions;
  uploads: { images: ImageUploads; files: FileUploads; restores: RestoreUploads };
  accounts: RegistryAccounts;
  /** Opens a window at a route of the renderer; undefined in web mode, where the renderer opens a tab itself. */
  openWindow: ((route: string) => void) | undefined;
  /** The system's dialog; '': cancelled. undefined in web mode, whose browser is perhaps on another machine. */
  chooseFolder: (() => Promise<string>) | undefined;
}
