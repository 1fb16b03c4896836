import { ChevronDown, ChevronRight, Layers, Play, RotateCw, Square } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ContainerSummary } from '../../../../electron/api/types.ts';
import { canDo, isLive } from '../../containers/state-view.ts';
import type { Verb } from '../../containers/state-view.ts';
import { IconButton } from '../../design/button.tsx';

export function ProjectRow({
  project,
  containers,
  collapsed,
  onToggle,
  act,
}: {
  project: string;
  containers: ContainerSummary[];
  collapsed: boolean;
  onToggle: () => void;
  act: (verb: Verb, targets: ContainerSummary[]) => void;
}) {
  const { t } = useTranslation();
  const running = containers.filter((container) => isLive(container.state)).length;
  const Chevron = collapsed ? ChevronRight : ChevronDown;
  const some = (verb: Verb) => containers.some((container) => canDo(verb, container.state));
  return (
    <div role="cell" className="flex min-w-0 flex-1 items-center gap-2">
      <button
        type="button"
        aria-expanded={!collapsed}
        aria-label={t(collapsed ? 'containers.expand' : 'containers.collapse', { name: project })}
        onClick={onToggle}
        className="flex h-8 min-w-0 flex-1 items-center gap-2 rounded-md text-left"
      >
        <Chevron size={14} className="text-faint shrink-0" aria-hidden />
        <Layers size={14} className="text-muted shrink-0" aria-hidden />
        <span className="truncate font-semibold" title={project}>
          {project}
        </span>
        <span className="text-faint shrink-0 text-sm">
          {t('containers.projectRunning', { running, count: containers.length })}
        </span>
      </button>
      <span className="flex gap-0.5">
        <IconButton
          label={t('containers.projectStart', { name: project })}
          icon={Play}
          disabled={!some('start')}
          onClick={() => act('start', containers)}
        />
        <IconButton
          label={t('containers.projectStop', { name: project })}
          icon={Square}
          disabled={!some('stop')}
          onClick={() => act('stop', containers)}
        />
        <IconButton
          label={t('containers.projectRestart', { name: project })}
          icon={RotateCw}
          onClick={() => act('restart', containers)}
        />
      </span>
    </div>
  );
}
