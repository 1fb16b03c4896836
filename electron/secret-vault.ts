import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { promisify } from 'node:util';

/**
 * Where a password is kept. `seal` answers what may stand in a file for it. SECURITY: a secret goes to tools by their
 * stdin, never as an argument.
 */
export interface SecretVault {
  readonly name: 'keychain' | 'secret-service' | 'file';
  seal(account: string, secret: string): Promise<string>;
  /** undefined: it is not there any more. */
  open(account: string, sealed: string): Promise<string | undefined>;
  forget(account: string): Promise<void>;
}

/** What Electron's `safeStorage` does with the system's keyring. */
interface SafeStorage {
  encryptString(text: string): Buffer;
  decryptString(encrypted: Buffer): string;
}

/** The file holds what only this user's keyring can decrypt. */
export function keychainVault(storage: SafeStorage): SecretVault {
  return {
    name: 'keychain',
    seal: async (_, secret) => storage.encryptString(secret).toString('base64'),
    async open(_, sealed) {
      try {
        return storage.decryptString(Buffer.from(sealed, 'base64'));
      } catch {
        return undefined;
      }
    },
    forget: async () => undefined,
  };
}

/** Without a keyring: in the file itself, which nobody but its owner can read (0600). */
export const fileVault: SecretVault = {
  name: 'file',
  seal: async (_, secret) => secret,
  open: async (_, sealed) => sealed,
  forget: async () => undefined,
};

const run = promisify(execFile);
const ATTRIBUTES = ['service', 'gantry-registry'];
const TIMEOUT_MS = 5_000;

/** The desktop's Secret Service (GNOME Keyring, KWallet) by libsecret's tool. */
export const secretServiceVault: SecretVault = {
  name: 'secret-service',
  async seal(account, secret) {
    const label = `--label=Gantry: ${account}`;
    const child = spawn('secret-tool', ['store', label, ...ATTRIBUTES, 'account', account], {
      stdio: ['pipe', 'ignore', 'ignore'],
      timeout: TIMEOUT_MS,
    });
    child.stdin.on('error', () => undefined).end(secret);
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error('the keyring did not take the password');
    return '';
  },
  async open(account) {
    const lookup = ['lookup', ...ATTRIBUTES, 'account', account];
    const found = await run('secret-tool', lookup, { timeout: TIMEOUT_MS }).catch(() => undefined);
    return found?.stdout;
  },
  async forget(account) {
    await run('secret-tool', ['clear', ...ATTRIBUTES, 'account', account], { timeout: TIMEOUT_MS }).catch(
      () => undefined,
    );
  },
};

/** Whether this session has a Secret Service that answers; a locked one asks its user. */
export async function hasSecretService(environment: NodeJS.ProcessEnv): Promise<boolean> {
  if (!environment['DBUS_SESSION_BUS_ADDRESS']) return false;
  const probe = ['search', ...ATTRIBUTES, 'account', ''];
  return run('secret-tool', probe, { timeout: TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
}
