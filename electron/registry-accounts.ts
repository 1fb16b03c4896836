import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { parseReference } from '../engine/images/reference.ts';
import { domainOf, HUB } from '../engine/images/registry/endpoint.ts';
import { hostOf } from '../engine/images/registry/login.ts';
import { readJson, writeJsonAtomic } from '../engine/lib/atomic-file.ts';
import { isObject, isText } from '../engine/lib/field-types.ts';
import { Mutex } from '../engine/lib/mutex.ts';
import { fileVault, type SecretVault } from './secret-vault.ts';

/** What `X-Registry-Auth` says. */
export interface RegistryAuth {
  username: string;
  password?: string;
  identitytoken?: string;
  serveraddress: string;
}

interface StoredAccount {
  server: string;
  username: string;
  /** An identity token stands in for the password. */
  kind: 'password' | 'token';
  vault: SecretVault['name'];
  /** What the vault made of the secret. */
  sealed: string;
}

/** The key that Docker's clients use for Docker Hub. */
const HUB_ADDRESS = 'https://index.docker.io/v1/';

/**
 * The user's accounts at registries, in `<data-dir>/registries.json` (0600). SECURITY: the secrets are with the
 * system's keyring where there is one; none is ever logged or sent to a window.
 */
export class RegistryAccounts {
  readonly #file: string;
  readonly #chooseVault: () => Promise<SecretVault>;
  readonly #vaults: ReadonlyMap<string, SecretVault>;
  readonly #mutex = new Mutex();
  #vault: Promise<SecretVault> | undefined;

  /** `chooseVault`: where new secrets go; `vaults`: where old ones may be. */
  constructor(dataDirectory: string, chooseVault: () => Promise<SecretVault>, vaults: SecretVault[]) {
    this.#file = path.join(dataDirectory, 'registries.json');
    this.#chooseVault = chooseVault;
    this.#vaults = new Map([fileVault, ...vaults].map((vault) => [vault.name, vault]));
  }

  async list(): Promise<{ server: string; username: string; keptBy: SecretVault['name'] }[]> {
    const accounts = await this.#read();
    return accounts.map(({ server, username, vault }) => ({ server, username, keptBy: vault }));
  }

  /** `secret`: the password, or the identity token that the registry gave for it. */
  keep(server: string, username: string, kind: StoredAccount['kind'], secret: string): Promise<void> {
    return this.#mutex.run(async () => {
      const host = hostOf(server);
      const vault = await this.#seal(host, secret);
      const others = (await this.#read()).filter((account) => account.server !== host);
      await this.#write([...others, { server: host, username, kind, ...vault }]);
    });
  }

  remove(server: string): Promise<void> {
    return this.#mutex.run(async () => {
      const accounts = await this.#read();
      const gone = accounts.find((account) => account.server === server);
      await this.#write(accounts.filter((account) => account !== gone));
      if (gone) await this.#vaults.get(gone.vault)?.forget(gone.server);
    });
  }

  /** For the registry of an image's name; undefined: nobody logged in there. */
  forImage(name: string): Promise<RegistryAuth | undefined> {
    return this.forServer(domainOf(parseReference(name).name));
  }

  async forServer(server: string): Promise<RegistryAuth | undefined> {
    const host = hostOf(server);
    const account = (await this.#read()).find((each) => each.server === host);
    const secret = account && (await this.#vaults.get(account.vault)?.open(host, account.sealed));
    if (!account || secret === undefined) return undefined;
    const serveraddress = host === HUB ? HUB_ADDRESS : host;
    return account.kind === 'token'
      ? { username: account.username, identitytoken: secret, serveraddress }
      : { username: account.username, password: secret, serveraddress };
  }

  /** A keyring that does not answer is no reason to lose a login: the file takes it. */
  async #seal(server: string, secret: string): Promise<{ vault: SecretVault['name']; sealed: string }> {
    this.#vault ??= this.#chooseVault();
    const vault = await this.#vault;
    try {
      return { vault: vault.name, sealed: await vault.seal(server, secret) };
    } catch {
      return { vault: fileVault.name, sealed: await fileVault.seal(server, secret) };
    }
  }

  async #read(): Promise<StoredAccount[]> {
    const stored = await readJson<unknown>(this.#file).catch(() => undefined);
    const accounts: unknown = isObject(stored) ? stored['accounts'] : [];
    return Array.isArray(accounts) ? accounts.filter(isAccount) : [];
  }

  async #write(accounts: StoredAccount[]): Promise<void> {
    await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
    await writeJsonAtomic(this.#file, { accounts });
  }
}

function isAccount(value: unknown): value is StoredAccount {
  return (
    isObject(value) && ['server', 'username', 'kind', 'vault', 'sealed'].every((name) => isText(value[name]))
  );
}
