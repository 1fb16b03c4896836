import type { ImageSummary } from '../../../../electron/api/types.ts';
import { shortId } from '../../format/ids.ts';

export interface ImageRow {
  image: ImageSummary;
  /** The first tag, or undefined for a dangling image. */
  name: string | undefined;
  /** What to call it in sentences and to the engine. */
  reference: string;
  otherTags: string[];
  use: 'used' | 'unused' | 'dangling';
}

export function toImageRow(image: ImageSummary): ImageRow {
  const [name, ...otherTags] = image.tags;
  return {
    image,
    name,
    reference: name ?? shortId(image.id),
    otherTags,
    use: image.containers > 0 ? 'used' : name === undefined ? 'dangling' : 'unused',
  };
}
