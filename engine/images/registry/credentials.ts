import { isObject } from '../../lib/field-types.ts';

/** What a client knows to say to a registry. SECURITY: never in a log, an error, an event or a reply. */
export interface Credentials {
  username: string;
  password: string;
  /** An OAuth refresh token that `POST /auth` handed out. */
  identityToken: string;
  /** A bearer token for the registry itself, sent as it is. */
  registryToken: string;
}

export const ANONYMOUS: Credentials = { username: '', password: '', identityToken: '', registryToken: '' };

/** `X-Registry-Auth`: base64 of an AuthConfig. One that cannot be read is none, as Docker has it. */
export function decodeCredentials(header: string | undefined): Credentials {
  if (header === undefined || header === '') return ANONYMOUS;
  try {
    return credentialsOf(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')));
  } catch {
    return ANONYMOUS;
  }
}

/** An AuthConfig as clients send it; `auth` is `base64(username:password)` in its stead. */
export function credentialsOf(config: unknown): Credentials {
  if (!isObject(config)) return ANONYMOUS;
  const field = (name: string): string => {
    const value = config[name];
    return typeof value === 'string' ? value : '';
  };
  const joined = Buffer.from(field('auth'), 'base64').toString('utf8');
  const colon = joined.indexOf(':');
  const [username, password] = colon > 0 ? [joined.slice(0, colon), joined.slice(colon + 1)] : ['', ''];
  return {
    username: field('username') || username,
    password: field('password') || password,
    identityToken: field('identitytoken'),
    registryToken: field('registrytoken'),
  };
}
