import { conflict, invalidArgument, notFound } from '../lib/errors.ts';
import type { Container, ExitResult } from './container.ts';
import type { ContainerRecord } from './record.ts';

/** As long as dockerd takes, at worst, to remove a container of AutoRemove. */
const REMEMBERED_MS = 1000;

/** All containers in memory, by ID, name and ID prefix; names are reserved here before a record is written. */
export class ContainerStore {
  readonly #byId = new Map<string, Container>();
  readonly #idByName = new Map<string, string>();
  /** Of AutoRemove containers, oldest first. */
  readonly #removed = new Map<string, ExitResult & { atMs: number }>();

  add(container: Container): void {
    this.reserveName(container.record.name, container.record.id);
    this.#byId.set(container.record.id, container);
  }

  /** Also gives the name free. */
  remove(container: Container): void {
    this.#byId.delete(container.record.id);
    this.releaseName(container.record.name, container.record.id);
    if (container.record.hostConfig.AutoRemove) this.#remember(container.record);
  }

  /**
   * How an AutoRemove container ended that is gone for less than a second: a client that waits once its start is
   * answered (dockerode's `run`) comes too late for a short command, where dockerd would still be removing it.
   */
  justRemoved(id: string): ExitResult | undefined {
    const found = this.#removed.get(id);
    return found && performance.now() - found.atMs < REMEMBERED_MS ? { exitCode: found.exitCode } : undefined;
  }

  #remember({ id, state: { exitCode } }: ContainerRecord): void {
    const atMs = performance.now();
    for (const [known, removed] of this.#removed) {
      if (atMs - removed.atMs >= REMEMBERED_MS) this.#removed.delete(known);
    }
    this.#removed.set(id, { exitCode, atMs });
  }

  /** 409 with Docker's text when another container has the name. */
  reserveName(name: string, id: string): void {
    const owner = this.#idByName.get(name);
    if (owner !== undefined && owner !== id) {
      throw conflict(
        `Conflict. The container name "/${name}" is already in use by container "${owner}". You have to remove (or rename) that container to be able to reuse that name.`,
      );
    }
    this.#idByName.set(name, id);
  }

  releaseName(name: string, id: string): void {
    if (this.#idByName.get(name) === id) this.#idByName.delete(name);
  }

  isNameTaken(name: string): boolean {
    return this.#idByName.has(name);
  }

  /** By full ID, name, then unambiguous ID prefix, as Docker. 404 `No such container: x`. */
  get(idOrName: string): Container {
    const exact = this.#byId.get(idOrName) ?? this.#byName(idOrName);
    if (exact) return exact;
    const matches =
      idOrName === '' ? [] : [...this.#byId.values()].filter(({ record }) => record.id.startsWith(idOrName));
    if (matches.length > 1) throw invalidArgument(`multiple IDs found with provided prefix: ${idOrName}`);
    const match = matches[0];
    if (!match) throw notFound(`No such container: ${idOrName}`);
    return match;
  }

  has(id: string): boolean {
    return this.#byId.has(id);
  }

  list(): Container[] {
    return [...this.#byId.values()];
  }

  #byName(name: string): Container | undefined {
    const id = this.#idByName.get(name.replace(/^\//, ''));
    return id === undefined ? undefined : this.#byId.get(id);
  }
}
