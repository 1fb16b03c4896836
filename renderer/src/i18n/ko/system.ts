import type { Translated } from '../en/en.ts';
import type { system as source } from '../en/system.ts';

export const system: Translated<typeof source> = { title: 'system' };
