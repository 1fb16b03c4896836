import type { Translated } from '../en/en.ts';
import type { volumes as source } from '../en/volumes.ts';

export const volumes: Translated<typeof source> = { title: 'volumes' };
