import { EngineError } from '../../lib/errors.ts';
import { MAX_CONFIG_BYTES } from '../image-config.ts';
import { isObject } from '../../lib/field-types.ts';
import { formatReference, withDefaultTag, type Reference } from '../reference.ts';
import type { Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { parseManifest, type Manifest } from './manifest.ts';
import { RegistryError } from './registry-error.ts';
import type { Repository } from './repository.ts';

/** `GET /distribution/{name}/json`. */
export interface DistributionInspect {
  Descriptor: { mediaType: string; digest: string; size: number };
  Platforms: { architecture: string; os: string; variant?: string; 'os.version'?: string }[];
}

interface InspectRequest {
  reference: Reference;
  credentials: Credentials;
  signal: AbortSignal;
}

/** What a reference names in its registry, without pulling it. Fails with the status that the registry failed with. */
export function inspectRemote(
  connections: Connections,
  { reference, credentials, signal }: InspectRequest,
): Promise<DistributionInspect> {
  const { name, tag, digest } = withDefaultTag(reference);
  return withStatus(
    connections.withRepository({ name, credentials, actions: 'pull', signal }, async (repository) => {
      const raw = await repository.manifest(digest ?? tag ?? '', signal);
      const manifest = parseManifest(raw.bytes, raw.mediaType, formatReference(reference));
      return {
        Descriptor: { mediaType: manifest.mediaType, digest: raw.digest, size: raw.bytes.length },
        Platforms: await platformsOf(repository, manifest, signal),
      };
    }),
  );
}

/** The digest a reference has in its registry: asked, not fetched, where the registry answers that. */
export function remoteDigest(
  connections: Connections,
  { reference, credentials, signal }: InspectRequest,
): Promise<string> {
  const { name, tag, digest } = withDefaultTag(reference);
  return withStatus(
    connections.withRepository({ name, credentials, actions: 'pull', signal }, async (repository) => {
      const wanted = digest ?? tag ?? '';
      return (
        (await repository.manifestDigest(wanted, signal)) ??
        (await repository.manifest(wanted, signal)).digest
      );
    }),
  );
}

const KINDS = { 401: 'unauthorized', 403: 'forbidden', 404: 'not-found' } as const;

async function withStatus<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const kind = error instanceof RegistryError ? KINDS[error.status as keyof typeof KINDS] : undefined;
    if (kind === undefined || !(error instanceof RegistryError)) throw error;
    throw new EngineError(kind, error.message, { cause: error });
  }
}

async function platformsOf(
  repository: Repository,
  manifest: Manifest,
  signal: AbortSignal,
): Promise<DistributionInspect['Platforms']> {
  if (manifest.kind === 'index') {
    return manifest.manifests.flatMap(({ platform }) =>
      platform
        ? [
            {
              architecture: platform.architecture,
              os: platform.os,
              ...(platform.osVersion === '' ? {} : { 'os.version': platform.osVersion }),
              ...(platform.variant === '' ? {} : { variant: platform.variant }),
            },
          ]
        : [],
    );
  }
  const blob = await repository
    .readBlob(manifest.config.digest, MAX_CONFIG_BYTES, signal)
    .catch((error: unknown) => {
      if (error instanceof EngineError && !signal.aborted) return undefined;
      throw error;
    });
  const config = parseObject(blob);
  const field = (name: string): string => (typeof config[name] === 'string' ? config[name] : '');
  if (field('os') === '' && field('architecture') === '') return [];
  const variant = field('variant');
  return [{ architecture: field('architecture'), os: field('os'), ...(variant === '' ? {} : { variant }) }];
}

function parseObject(blob: Buffer | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(blob?.toString('utf8') ?? '');
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
