import type { ImageParts } from '../images.ts';
import type { ByteSource } from '../decompress.ts';
import type { Reference } from '../reference.ts';
import { Connections } from './connections.ts';
import type { Credentials } from './credentials.ts';
import { downloadFile } from './download-file.ts';
import { Endpoints } from './endpoint.ts';
import { inspectRemote, remoteDigest, type DistributionInspect } from './inspect-remote.ts';
import { KeptLayers } from './kept-layers.ts';
import { LayerDownloads } from './layer-downloads.ts';
import { hostOf, login } from './login.ts';
import { normalize, parsePlatform, type Platform } from './platform.ts';
import { pullImage, type PullRequest } from './pull-image.ts';
import type { Proxies } from './proxies.ts';
import { pushImage, type PushRequest } from './push-image.ts';
import { readCatalog } from './repository.ts';
import { searchImages, type SearchRequest, type SearchResult } from './search.ts';
import { Slots } from './slots.ts';

interface RegistriesOptions {
  parts: ImageParts;
  insecureRegistries: string[];
  registryMirrors: string[];
  /** Roots in the manner of /etc/docker/certs.d. */
  certificateDirectories: string[];
  proxies: Proxies;
  /** Go's name of this machine's, e.g. `amd64`. */
  architecture: string;
}

interface RemoteRequest {
  reference: Reference;
  credentials: Credentials;
  signal: AbortSignal;
}

/** What is done with registries (distribution spec v2). */
export interface Registries {
  pull(request: PullRequest): Promise<void>;
  push(request: PushRequest): Promise<void>;
  /** Resolves with an identity token, or ''. */
  login(serverAddress: string, credentials: Credentials, signal: AbortSignal): Promise<string>;
  search(request: SearchRequest): Promise<SearchResult[]>;
  inspect(request: RemoteRequest): Promise<DistributionInspect>;
  digest(request: RemoteRequest): Promise<string>;
  /** Names of a registry's repositories, where it tells them. */
  repositories(serverAddress: string, credentials: Credentials, signal: AbortSignal): Promise<string[]>;
  tags(request: RemoteRequest): Promise<string[]>;
  /** Any file on the web (`docker import URL`); its length is 0 where the server does not say. */
  download(url: string, signal: AbortSignal): Promise<{ content: ByteSource; lengthBytes: number }>;
  /** Throws invalid-argument. */
  parsePlatform(text: string): Platform;
  /** Gives up the layers that wait for another try of their pull. */
  forgetInterrupted(): Promise<void>;
  close(): Promise<void>;
}

/** Layers sent at once, as dockerd's --max-concurrent-uploads. */
const PARALLEL_UPLOADS = 5;

/** Throws invalid-argument for a mirror or insecure registry that is none. No I/O. */
export function createRegistries(options: RegistriesOptions): Registries {
  const { parts, architecture } = options;
  const connections = new Connections(
    new Endpoints({
      insecureRegistries: options.insecureRegistries,
      mirrors: options.registryMirrors,
      certificateDirectories: options.certificateDirectories,
    }),
    options.proxies,
  );
  const host = normalize({ os: 'linux', architecture, variant: '' });
  const kept = new KeptLayers(parts.layers);
  const downloads = new LayerDownloads(parts.layers);
  const slots = new Slots(PARALLEL_UPLOADS);
  return {
    pull: (request) => pullImage({ parts, connections, downloads, kept, host }, request),
    push: (request) => pushImage({ parts, connections, slots }, request),
    login: (address, credentials, signal) => login(connections, address, credentials, signal),
    search: (request) => searchImages(connections, request),
    inspect: (request) => inspectRemote(connections, request),
    digest: (request) => remoteDigest(connections, request),
    repositories: (address, credentials, signal) =>
      connections.withRegistry(hostOf(address), credentials, signal, (session) =>
        readCatalog(session, signal),
      ),
    tags: ({ reference: { name }, credentials, signal }) =>
      connections.withRepository({ name, credentials, actions: 'pull', signal }, (repository) =>
        repository.tags(signal),
      ),
    download: (url, signal) => downloadFile(connections, url, signal),
    parsePlatform: (text) => parsePlatform(text, host),
    forgetInterrupted: () => kept.clear(),
    async close() {
      connections.close();
      await kept.clear();
    },
  };
}
