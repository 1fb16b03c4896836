import type { OciImageConfig } from '../images/image-store.ts';
import type { BuildSession } from './build-session.ts';
import type { StageState } from './stage-state.ts';

interface ImportedStep {
  /** undefined: the step made no layer. */
  diffId: string | undefined;
  /** RFC 3339 */
  created: string;
}

/**
 * `--cache-from`: looks for the step in the history of the given images, as the classic builder does: an image that
 * went on from the same layers with the same words is taken over from. COPY and ADD have the hash of their files among
 * their words.
 */
export function findImported(
  { options, deps }: BuildSession,
  state: StageState,
  createdBy: string,
): ImportedStep | undefined {
  for (const reference of options.cacheFrom) {
    const image = deps.images.find(reference, '');
    const step = image && nextStep(image.config, state.image, createdBy);
    if (step) return step;
  }
  return undefined;
}

function nextStep(source: OciImageConfig, base: OciImageConfig, createdBy: string): ImportedStep | undefined {
  const before = base.history ?? [];
  const history = source.history ?? [];
  const entry = history[before.length];
  if (entry?.created_by !== createdBy) return undefined;
  const isSameHistory = before.every((item, index) => item.created_by === history[index]?.created_by);
  const layers = base.rootfs.diff_ids;
  const isSameStack = layers.every((diffId, index) => diffId === source.rootfs.diff_ids[index]);
  if (!isSameHistory || !isSameStack) return undefined;
  const diffId = entry.empty_layer ? undefined : source.rootfs.diff_ids[layers.length];
  return { diffId, created: entry.created ?? '' };
}
