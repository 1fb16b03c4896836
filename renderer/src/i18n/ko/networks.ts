import type { Translated } from '../en/en.ts';
import type { networks as source } from '../en/networks.ts';

export const networks: Translated<typeof source> = { title: 'networks' };
