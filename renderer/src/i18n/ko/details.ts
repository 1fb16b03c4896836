import type { Translated } from '../en/en.ts';
import type { details as source } from '../en/details.ts';

export const details: Translated<typeof source> = { title: 'details' };
