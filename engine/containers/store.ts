import { conflict, invalidArgument, notFound } from '../lib/errors.ts';
import type { Container } from './container.ts';

/** All containers in memory, by ID, name and ID prefix; names are reserved here before a record is written. */
export class ContainerStore {
  readonly #byId = new Map<string, Container>();
  readonly #idByName = new Map<string, string>();

  add(container: Container): void {
    this.reserveName(container.record.name, container.record.id);
    this.#byId.set(container.record.id, container);
  }

  /** Also gives the name free. */
  remove(container: Container): void {
    this.#byId.delete(container.record.id);
    this.releaseName(container.record.name, container.record.id);
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
