import { errnoOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/logger.ts';
import { Mutex } from '../lib/mutex.ts';
import { rewriteInPlace } from './hosts-file.ts';
import { replaceNeighbours, type HostLine } from './network-files.ts';
import { isPredefined } from './network-record.ts';
import type { Attachment } from './networks.ts';

/**
 * Until networks have a DNS server, containers on user-defined networks find each other through their hosts files,
 * rewritten as containers come and go. On the default network they do not, as in Docker.
 */
export class NeighbourFiles {
  readonly #logger: Logger;
  readonly #mutex = new Mutex();
  /** Last block written, so that a container coming to one network does not touch the files of all. */
  readonly #written = new Map<string, string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Every container on a user-defined network with `attachment`, itself included, with all names it has there. */
  of(attachment: Attachment, all: readonly [containerId: string, attachment: Attachment][]): HostLine[] {
    const lines: HostLine[] = [];
    for (const { networkId, networkName } of attachment.endpoints) {
      if (isPredefined(networkName)) continue;
      for (const [containerId, neighbour] of all) {
        const endpoint = neighbour.endpoints.find((candidate) => candidate.networkId === networkId);
        if (!endpoint) continue;
        const names = [
          neighbour.containerName,
          ...endpoint.aliases,
          containerId.slice(0, 12),
          neighbour.hostname,
        ];
        lines.push({ address: endpoint.ipv4, names: [...new Set(names)] });
      }
    }
    return lines;
  }

  async update(all: readonly [containerId: string, attachment: Attachment][]): Promise<void> {
    await this.#mutex.run(async () => {
      const files = new Set(all.map(([, { hostsFile }]) => hostsFile));
      for (const file of this.#written.keys()) if (!files.has(file)) this.#written.delete(file);
      for (const [, attachment] of all) await this.#updateOne(attachment, this.of(attachment, all));
    });
  }

  async #updateOne({ hostsFile }: Attachment, neighbours: HostLine[]): Promise<void> {
    if (hostsFile === undefined) return;
    const key = JSON.stringify(neighbours);
    if (this.#written.get(hostsFile) === key || (neighbours.length === 0 && !this.#written.has(hostsFile)))
      return;
    try {
      await rewriteInPlace(hostsFile, (content) => replaceNeighbours(content, neighbours));
      this.#written.set(hostsFile, key);
    } catch (error) {
      // A container that is being started has no file yet; it gets its neighbours with the file itself.
      if (errnoOf(error) === 'ENOENT') return;
      this.#logger.warn('hosts file not updated', { file: hostsFile, error: messageOf(error) });
    }
  }
}
