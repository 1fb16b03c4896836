import type { Arg } from '../dockerfile/instructions.ts';

/** Known everywhere without an ARG; they say how to reach the network, so they count neither for cache nor history. */
const PROXY_ARGS = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

/**
 * Which build arguments have which value where (Dockerfile reference, "ARG", "Scope"): ARGs before the first FROM are
 * known to FROM lines only; a stage that names one again takes its value.
 */
export class BuildArgs {
  readonly #given: Readonly<Record<string, string | null>>;
  readonly #global = new Map<string, string | undefined>();
  readonly #platform: ReadonlyMap<string, string>;
  readonly #consumed = new Set<string>();

  constructor(given: Readonly<Record<string, string | null>>, platform: ReadonlyMap<string, string>) {
    this.#given = given;
    this.#platform = platform;
  }

  declareGlobal(args: Arg['args'], expand: (text: string) => string): void {
    for (const { name, defaultValue } of args) {
      this.#consumed.add(name);
      this.#global.set(name, defaultValue === undefined ? undefined : expand(defaultValue));
    }
  }

  /** What FROM lines and later global ARGs see. */
  globalValue(name: string): string | undefined {
    if (!this.#global.has(name)) return this.#platform.get(name);
    return this.#given[name] ?? this.#global.get(name) ?? this.#platform.get(name);
  }

  forStage(): StageArgs {
    return new StageArgs((name, defaultValue) => {
      this.#consumed.add(name);
      return this.#given[name] ?? defaultValue ?? this.globalValue(name);
    }, this.#proxies());
  }

  /** Docker's warning about arguments that no ARG asked for; undefined when all were. */
  unusedWarning(): string | undefined {
    const unused = Object.keys(this.#given)
      .filter((name) => !PROXY_ARGS.includes(name) && !this.#consumed.has(name))
      .sort();
    return unused.length === 0
      ? undefined
      : `[Warning] One or more build-args [${unused.join(' ')}] were not consumed\n`;
  }

  #proxies(): Map<string, string> {
    const proxies = new Map<string, string>();
    for (const name of PROXY_ARGS) {
      const value = this.#given[name];
      if (value !== undefined && value !== null) proxies.set(name, value);
    }
    return proxies;
  }
}

/** The arguments of one stage, as far as its ARGs have been read. */
export class StageArgs {
  readonly #values = new Map<string, string>();
  readonly #declared = new Set<string>();
  readonly #resolve: (name: string, defaultValue: string | undefined) => string | undefined;
  readonly #proxies: ReadonlyMap<string, string>;

  constructor(
    resolve: (name: string, defaultValue: string | undefined) => string | undefined,
    proxies: ReadonlyMap<string, string>,
  ) {
    this.#resolve = resolve;
    this.#proxies = proxies;
  }

  declare(name: string, defaultValue: string | undefined): void {
    this.#declared.add(name);
    const value = this.#resolve(name, defaultValue);
    if (value !== undefined) this.#values.set(name, value);
  }

  value(name: string): string | undefined {
    return this.#values.get(name) ?? this.#proxies.get(name);
  }

  /** `NAME=value` of all that the image's own environment does not set, for RUN. */
  environment(env: readonly string[]): string[] {
    return [...this.#proxies, ...this.#values]
      .filter(notSetIn(env))
      .map(([name, value]) => `${name}=${value}`);
  }

  /** The same without undeclared proxies, in order: what history and cache keys say. */
  recorded(env: readonly string[]): string[] {
    return [...this.#values]
      .filter(notSetIn(env))
      .map(([name, value]) => `${name}=${value}`)
      .sort();
  }
}

function notSetIn(env: readonly string[]): (entry: readonly [string, string]) => boolean {
  const names = new Set(env.map((entry) => entry.split('=', 1)[0]));
  return ([name]) => !names.has(name);
}

/** BUILDPLATFORM, TARGETARCH, … for `os/arch[/variant]`. */
export function platformArgs(build: string, target: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [prefix, platform] of [
    ['BUILD', build],
    ['TARGET', target],
  ] as const) {
    const [os = '', architecture = '', variant = ''] = platform.split('/');
    values.set(`${prefix}PLATFORM`, platform);
    values.set(`${prefix}OS`, os);
    values.set(`${prefix}ARCH`, architecture);
    values.set(`${prefix}VARIANT`, variant);
  }
  return values;
}
