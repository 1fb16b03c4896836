import type { TFunction } from 'i18next';
import type { MissReason } from '../../../../electron/api/types.ts';

/** Why a step was not taken from the cache, in the user's language. */
export function missText(reason: MissReason, t: TFunction): string {
  if (reason.kind === 'instruction-changed') return t('builds.missed.instruction', { before: reason.before });
  if (reason.kind !== 'files-changed') return t(`builds.missed.${KEYS[reason.kind]}`);
  return (['changed', 'added', 'removed'] as const)
    .filter((what) => reason[what].paths.length > 0)
    .map((what) => {
      const { paths, more } = reason[what];
      const files = paths.join(', ');
      return t(`builds.missed.${what}`, {
        files: more > 0 ? t('builds.missed.andMore', { files, count: more }) : files,
      });
    })
    .join(' · ');
}

const KEYS = {
  'cache-not-asked': 'notAsked',
  'arguments-changed': 'arguments',
  'attributes-changed': 'attributes',
  'parent-changed': 'parent',
  'never-built': 'never',
} as const;
