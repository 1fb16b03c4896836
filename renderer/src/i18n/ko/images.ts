import type { Translated } from '../en/en.ts';
import type { images as source } from '../en/images.ts';

export const images: Translated<typeof source> = { title: 'images' };
