import { builds } from './builds.ts';
import { common } from './common.ts';
import { compose } from './compose.ts';
import { containers } from './containers.ts';
import { details } from './details.ts';
import { files } from './files.ts';
import { images } from './images.ts';
import { networks } from './networks.ts';
import { reach } from './reach.ts';
import { run } from './run.ts';
import { shell } from './shell.ts';
import { system } from './system.ts';
import { volumes } from './volumes.ts';

export const en = {
  common,
  shell,
  containers,
  details,
  files,
  run,
  images,
  volumes,
  networks,
  reach,
  compose,
  builds,
  system,
};

/** The shape of a translation: the same keys, any text. */
export type Translated<T> = { [K in keyof T]: T[K] extends string ? string : Translated<T[K]> };
