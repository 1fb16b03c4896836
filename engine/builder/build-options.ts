import type { HostConfig } from '../wire/container.ts';

/** The parameters of `POST /build` that concern the build itself. */
export interface BuildOptions {
  /** Path of the Dockerfile in the context. */
  dockerfile: string;
  /** Values by name; null: named without a value, so it does not count as given. */
  buildArgs: Readonly<Record<string, string | null>>;
  /** Added to the last stage. */
  labels: Readonly<Record<string, string>>;
  /** Stage to stop at; '': the last. */
  target: string;
  noCache: boolean;
  /** Asks registries for base images even when they are here. */
  pull: boolean;
  /** Remove intermediate containers: after a successful step, or always. */
  remove: 'success' | 'always' | 'never';
  /** Images whose history may serve as cache. */
  cacheFrom: readonly string[];
  /** `os/arch[/variant]`, '' for this machine's. */
  platform: string;
  /** What RUN containers get: limits, network mode, extra hosts, … */
  hostConfig: HostConfig;
  /** Contents by secret id; SECURITY: never logged, hashed or stored. */
  secrets: ReadonlyMap<string, Uint8Array>;
  /** Sockets of ssh agents by id. */
  sshAgents: ReadonlyMap<string, string>;
  /** AuthConfig by registry. SECURITY: never logged. */
  registryAuth: Readonly<Record<string, unknown>>;
  /** Tells with lines of our own (`{"gantry": …}`) the build's id, its stages, and why a step was not cached. */
  tellOwn: boolean;
  /** Entitlements: `RUN --security=insecure`, `--network=host`. */
  allowInsecure: boolean;
  allowHostNetwork: boolean;
}
