import type { Translated } from '../en/en.ts';
import type { run as source } from '../en/run.ts';

export const run: Translated<typeof source> = { title: 'run' };
