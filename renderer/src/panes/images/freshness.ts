import type { ImageFreshness } from '../../../../electron/api/types.ts';
import { api } from '../../api/client.ts';
import { createStore } from '../../api/store.ts';

/** What registries said of tags when they were last asked, by `name:tag`. */
export const freshness = createStore<ReadonlyMap<string, ImageFreshness['state']>>(new Map());

export async function checkFreshness(name: string): Promise<ImageFreshness['state']> {
  const { state } = await api.images.freshness({ name });
  freshness.set(new Map([...freshness.get(), [name, state]]));
  return state;
}

export function forgetFreshness(name: string): void {
  freshness.set(new Map([...freshness.get()].filter(([known]) => known !== name)));
}

interface CheckResult {
  newer: string[];
  /** Messages of registries that could not be asked. */
  failures: string[];
}

/** Asks about several tags, a few at once: a registry counts who asks too much. */
export async function checkAll(names: readonly string[]): Promise<CheckResult> {
  const result: CheckResult = { newer: [], failures: [] };
  const left = [...names];
  const work = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      try {
        if ((await checkFreshness(name)) === 'newer') result.newer.push(name);
      } catch (error) {
        result.failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all([work(), work(), work()]);
  return result;
}
