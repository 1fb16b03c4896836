import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { readJson, writeJsonAtomic } from '../../lib/atomic-file.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { checkState, type Claim, type LearnedState, type RemoteEndpoint } from './peer-state.ts';

const NOTHING: LearnedState = { networks: [], endpoints: [], claims: [] };

const directoryOf = (dataRoot: string): string => path.join(dataRoot, 'overlay');

/** Whether the engine of this data root ever shared networks with others. */
export const hadPeers = (dataRoot: string): boolean => existsSync(directoryOf(dataRoot));

/**
 * What each peer told last, on disk as `overlay/<address>.json`: an engine that starts again knows the others' containers
 * and which of its own addresses they have, whether or not they are there.
 */
export class PeerStates {
  readonly #directory: string;
  readonly #states = new Map<string, LearnedState>();

  constructor(dataRoot: string) {
    this.#directory = directoryOf(dataRoot);
  }

  async load(peers: readonly string[], logger: Logger): Promise<void> {
    await mkdir(this.#directory, { recursive: true, mode: 0o700 });
    for (const peer of peers) {
      try {
        const stored = await readJson<Omit<LearnedState, 'networks'>>(this.#fileOf(peer));
        if (stored) this.#states.set(peer, checkState({ ...stored, networks: [] }));
      } catch (error) {
        logger.error('what a peer told is lost until it tells it again', { peer, error: messageOf(error) });
      }
    }
  }

  /** Networks are kept as records of their own. */
  async save(peer: string, state: LearnedState): Promise<void> {
    this.#states.set(peer, state);
    const { endpoints, claims } = state;
    await writeJsonAtomic(this.#fileOf(peer), { endpoints, claims });
  }

  of(peer: string): LearnedState {
    return this.#states.get(peer) ?? NOTHING;
  }

  endpointsOn(networkId: string): (RemoteEndpoint & { host: string })[] {
    return [...this.#states].flatMap(([host, { endpoints }]) =>
      endpoints
        .filter((endpoint) => endpoint.networkId === networkId)
        .map((endpoint) => ({ ...endpoint, host })),
    );
  }

  /** Every address that containers of other engines have or are about to get. */
  claims(): Claim[] {
    return [...this.#states.keys()].flatMap((peer) => this.claimsOf(peer));
  }

  claimsOf(peer: string): Claim[] {
    const { endpoints, claims } = this.of(peer);
    const held = endpoints.flatMap(({ networkId, ipv4, ipv6 }) =>
      [ipv4, ipv6].filter((address) => address !== '').map((address) => ({ networkId, address })),
    );
    return [...claims, ...held];
  }

  #fileOf(peer: string): string {
    return path.join(this.#directory, `${peer}.json`);
  }
}
