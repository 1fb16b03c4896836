import type { Translated } from '../en/en.ts';
import type { compose as source } from '../en/compose.ts';

export const compose: Translated<typeof source> = { title: 'compose' };
