import { expandWord, expandWords, type WordOptions } from '../dockerfile/words.ts';
import type { Expansion, ProcessConfig } from '../dockerfile/apply-instruction.ts';
import type { OciImageConfig } from '../images/image-store.ts';
import type { StageArgs } from './build-args.ts';
import type { BaseImage } from './builder-deps.ts';
import { cacheKey } from './build-cache.ts';

const DEFAULT_PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

type HistoryEntry = NonNullable<OciImageConfig['history']>[number];

/** Where a stage is: the image so far, and what the next step begins with. */
export class StageState {
  /** undefined: nothing yet, FROM scratch. */
  imageId: string | undefined;
  /** Configuration of that image. */
  image: OciImageConfig;
  /** What the next image is configured with. */
  config: ProcessConfig;
  /** Cache key of the last step. */
  key: string;
  /** A CMD stood in this stage: ENTRYPOINT leaves it alone. */
  cmdSet = false;
  author: string | undefined;
  readonly args: StageArgs;
  readonly #escape: string;

  /** `base` undefined: FROM scratch on `platform` (`os/arch[/variant]`). */
  constructor(base: BaseImage | undefined, platform: string, args: StageArgs, escape: string) {
    this.args = args;
    this.#escape = escape;
    this.imageId = base?.id;
    this.image = base?.config ?? emptyImage(platform);
    this.author = this.image.author;
    const config = this.image.config ?? {};
    const env = config.Env ?? [];
    this.config = {
      ...config,
      Env: env.some((entry) => entry.startsWith('PATH=')) ? env : [DEFAULT_PATH, ...env],
    };
    this.key = cacheKey('', base?.id ?? `scratch ${platform}`);
  }

  /** How words are expanded here. */
  get expansion(): Expansion {
    const options = this.#wordOptions();
    return { word: (text) => expandWord(text, options), words: (text) => expandWords(text, options) };
  }

  /** Heredoc contents: variables are replaced, quotes stay. */
  expandDocument(text: string): string {
    return expandWord(text, { ...this.#wordOptions(), ignoreQuotes: true });
  }

  /** The image's variables count more than arguments. */
  #wordOptions(): WordOptions {
    const env = new Map(
      (this.config.Env ?? []).map((entry) => [nameOf(entry), entry.slice(nameOf(entry).length + 1)]),
    );
    return { escape: this.#escape, variables: (name) => env.get(name) ?? this.args.value(name) };
  }

  /** The configuration of the image that the next step makes. */
  nextImage(createdBy: string, created: string, diffId: string | undefined): OciImageConfig {
    const { image } = this;
    const history: HistoryEntry = {
      created,
      created_by: createdBy,
      ...(this.author === undefined ? {} : { author: this.author }),
      ...(diffId === undefined ? { empty_layer: true } : {}),
    };
    return {
      ...image,
      created,
      ...(this.author === undefined ? {} : { author: this.author }),
      config: this.config,
      rootfs: {
        type: 'layers',
        diff_ids: diffId === undefined ? image.rootfs.diff_ids : [...image.rootfs.diff_ids, diffId],
      },
      history: [...(image.history ?? []), history],
    };
  }

  /** Goes on behind a step, made or found in the cache. */
  advance(key: string, { id, config }: BaseImage): void {
    this.key = key;
    this.imageId = id;
    this.image = config;
    this.config = config.config ?? {};
  }
}

function emptyImage(platform: string): OciImageConfig {
  const [os = 'linux', architecture = '', variant] = platform.split('/');
  return {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    config: {},
    rootfs: { type: 'layers', diff_ids: [] },
  };
}

function nameOf(entry: string): string {
  return entry.split('=', 1)[0] ?? '';
}
