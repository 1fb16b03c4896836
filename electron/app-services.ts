import { createProjectStore } from '../engine/compose/project-store.ts';
import type { ApiContext } from './api/context.ts';
import { composeClientOf } from './api/compose-client.ts';
import { createFileUploads } from './api/file-writes.ts';
import { createEngineClient } from './engine-client.ts';
import { EngineConnection } from './engine-connection.ts';
import { createImageUploads } from './image-uploads.ts';
import { RegistryAccounts } from './registry-accounts.ts';
import { fileVault, hasSecretService, secretServiceVault, type SecretVault } from './secret-vault.ts';
import { createRestoreUploads } from './restore-uploads.ts';
import { SettingsStore } from './settings-store.ts';
import { TerminalSessions } from './terminal-sessions.ts';

interface AppOptions {
  socket: string;
  /** Where settings and compose projects are kept. */
  dataDirectory: string;
  openWindow?: (route: string) => void;
  chooseFolder?: () => Promise<string>;
  /** Why no engine could be started, told while none answers. */
  startFailure?: string | undefined;
  /** The keyring by the app's own means, where it has them. */
  keychain?: SecretVault | undefined;
}

/** The composition root of the app: what every handler works with. */
export function createAppServices(options: AppOptions): ApiContext {
  const docker = createEngineClient(options.socket);
  const accounts = accountsOf(options);
  const connection = new EngineConnection(docker, options.socket, options.startFailure);
  return {
    docker,
    accounts,
    composeClient: composeClientOf(docker, accounts),
    connection,
    settings: new SettingsStore(options.dataDirectory),
    projects: createProjectStore(options.dataDirectory),
    terminals: new TerminalSessions(docker),
    uploads: {
      images: createImageUploads(docker),
      files: createFileUploads({ docker, connection }),
      restores: createRestoreUploads(docker),
    },
    openWindow: options.openWindow,
    chooseFolder: options.chooseFolder,
  };
}

function accountsOf({ dataDirectory, keychain }: AppOptions): RegistryAccounts {
  const chooseVault = async (): Promise<SecretVault> =>
    keychain ?? ((await hasSecretService(process.env)) ? secretServiceVault : fileVault);
  return new RegistryAccounts(dataDirectory, chooseVault, [
    secretServiceVault,
    ...(keychain ? [keychain] : []),
  ]);
}
