import type { ImageParts } from '../images.ts';
import { domainOf } from './endpoint.ts';
import { parseManifest, type Descriptor } from './manifest.ts';

/** How a layer is known to lie in registries. */
export interface LayerForm {
  descriptor: Descriptor;
  /** Canonical names of the repositories where it is. */
  repositories: string[];
}

/** The forms of layers that the kept manifests tell of, by diff-id; what the image's own manifest says comes first. */
export async function knownForms(parts: ImageParts, imageId: string): Promise<Map<string, LayerForm[]>> {
  const { catalog } = parts;
  const own = catalog.byId(imageId);
  const others = catalog.all().filter(({ id }) => id !== imageId);
  const forms = new Map<string, LayerForm[]>();
  for (const image of own ? [own, ...others] : others) {
    if (!image.layers.some((diffId) => own?.layers.includes(diffId))) continue;
    const repositories = catalog
      .referencesOf(image.id)
      .filter(({ digest }) => digest !== undefined)
      .map(({ name }) => name);
    for (const layers of await manifestLayers(parts, image.id)) {
      for (const [index, descriptor] of layers.entries())
        remember(forms, image.layers[index] ?? '', { descriptor, repositories });
    }
  }
  return forms;
}

function remember(forms: Map<string, LayerForm[]>, diffId: string, form: LayerForm): void {
  const known = forms.get(diffId) ?? [];
  const same = known.find(({ descriptor }) => descriptor.digest === form.descriptor.digest);
  if (same) same.repositories = [...new Set([...same.repositories, ...form.repositories])];
  else forms.set(diffId, [...known, form]);
}

/** The layers of each kept manifest of an image, newest manifest first. */
async function manifestLayers({ catalog, blobs }: ImageParts, imageId: string): Promise<Descriptor[][]> {
  const image = catalog.byId(imageId);
  const found: Descriptor[][] = [];
  for (const { digest, mediaType } of image?.manifests.toReversed() ?? []) {
    const bytes = await blobs.get(digest);
    if (!bytes) continue;
    const manifest = parseManifest(bytes, mediaType, imageId);
    if (manifest.kind === 'image' && manifest.layers.length === image?.layers.length)
      found.push(manifest.layers);
  }
  return found;
}

/** Other repositories of the same registry that have a form, those nearest by name first. */
export function mountSources({ repositories }: LayerForm, target: string): string[] {
  const wanted = target.split('/');
  const nearness = (name: string): number => {
    const parts = name.split('/');
    const difference = parts.findIndex((part, index) => part !== wanted[index]);
    return difference < 0 ? parts.length : difference;
  };
  return repositories
    .filter((name) => name !== target && domainOf(name) === domainOf(target))
    .toSorted((a, b) => nearness(b) - nearness(a));
}
