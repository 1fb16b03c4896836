import { CirclePause, CirclePlay, Play, RotateCw, Skull, Square, Trash2, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { canDo } from '../../containers/state-view.ts';
import type { Verb } from '../../containers/state-view.ts';
import { Button, IconButton } from '../../design/button.tsx';

const verbs = [
  ['start', Play],
  ['stop', Square],
  ['restart', RotateCw],
  ['pause', CirclePause],
  ['unpause', CirclePlay],
  ['kill', Skull],
] as const;

/** Replaces the toolbar while rows are selected. */
export function BulkBar({
  selected,
  act,
  onClear,
}: {
  selected: ContainerSummary[];
  act: (verb: Verb, targets: ContainerSummary[]) => void;
  onClear: () => void;
}) {
  const { t } = useTranslation();
  return (
    <div
      role="toolbar"
      aria-label={t('containers.bulk')}
      className="flex min-h-7.5 flex-1 flex-wrap items-center gap-1.5"
    >
      <IconButton label={t('common.clearSelection')} icon={X} onClick={onClear} className="-ml-1.5" />
      <span className="mr-2 font-semibold">{t('common.selected', { count: selected.length })}</span>
      {verbs.map(([verb, icon]) => (
        <Button
          key={verb}
          size="small"
          icon={icon}
          disabled={!selected.some((container) => canDo(verb, container.state))}
          onClick={() => act(verb, selected)}
        >
          {t(`containers.${verb}`)}
        </Button>
      ))}
      <Button size="small" icon={Trash2} className="text-bad" onClick={() => act('remove', selected)}>
        {t('containers.remove')}
      </Button>
    </div>
  );
}
