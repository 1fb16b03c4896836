import { useNavigate } from '@tanstack/react-router';
import { Disc3, Square } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BuildMessage } from '../../../../electron/api/types.ts';
import { Badge } from '../../design/badge.tsx';
import { Button } from '../../design/button.tsx';
import { CopyButton } from '../../design/copy-button.tsx';
import { Segmented } from '../../design/segmented.tsx';
import { formatDateTime } from '../../format/time.ts';
import { AnsiText } from './ansi-text.tsx';
import { TONES } from './build-list.tsx';
import { cancelBuild } from './build-runs.ts';
import { logText, stagesOf } from './build-steps.ts';
import type { BuildProgress } from './build-steps.ts';
import { formatDuration, useTicking } from './lasting.ts';
import { StageGraph } from './stage-graph.tsx';
import { StepList } from './step-list.tsx';
import type { BuildEntry } from './use-builds.ts';

interface ShownBuild extends Omit<BuildEntry, 'key'> {
  /** Of a run of this window, which can be cancelled. */
  key?: string;
  progress: BuildProgress;
  log: readonly BuildMessage[];
}

/** One build, while it runs and afterwards. */
export function BuildView({ build }: { build: ShownBuild }) {
  const { t } = useTranslation();
  const [view, setView] = useState<'steps' | 'log'>('steps');
  const { progress, log } = build;
  const { plan, steps } = progress;
  const stages = useMemo(() => stagesOf({ plan, steps }), [plan, steps]);
  const text = useMemo(() => (view === 'log' ? logText(log) : ''), [view, log]);
  return (
    <div className="flex h-full min-h-0 min-w-0 flex-col">
      <BuildHead build={build} />
      <div className="flex shrink-0 items-center gap-2 px-5 pb-2.5">
        <Segmented
          label={t('builds.view')}
          value={view}
          onChange={setView}
          options={[
            { value: 'steps', label: t('builds.steps'), count: progress.steps.length },
            { value: 'log', label: t('builds.log') },
          ]}
        />
        {view === 'log' && <CopyButton text={text} label={t('common.copy')} />}
      </div>
      <div className="border-line min-h-0 flex-1 overflow-y-auto border-t">
        {progress.error !== '' && (
          <p role="alert" className="bg-bad-soft text-bad px-5 py-2 break-words" data-selectable>
            {progress.error}
          </p>
        )}
        {view === 'log' ? (
          <div className="px-5 py-2.5">
            <AnsiText text={text} label={t('builds.log')} />
          </div>
        ) : (
          <>
            {stages.length > 1 && <StageGraph stages={stages} />}
            <StepList steps={progress.steps} isRunning={build.status === 'running'} />
            {progress.notes !== '' && (
              <div className="px-5 py-2.5">
                <AnsiText text={progress.notes} label={t('builds.notes')} />
              </div>
            )}
          </>
        )}
      </div>
    </div>
  );
}

function BuildHead({ build }: { build: ShownBuild }) {
  const { t, i18n } = useTranslation();
  const navigate = useNavigate();
  const { key, tags, status, startedAt, finishedAt, progress } = build;
  const now = useTicking(status === 'running');
  const name = tags.join(', ') || t('builds.untagged');
  const cached = progress.steps.filter(({ state }) => state === 'cached').length;
  return (
    <div className="flex shrink-0 flex-wrap items-center gap-2 px-5 py-2.5">
      <div className="min-w-0 flex-1">
        <h2 className="flex min-w-0 items-center gap-2 font-semibold">
          <span className="truncate" title={name} data-selectable>
            {name}
          </span>
          <span role="status" className="inline-flex shrink-0">
            <Badge tone={TONES[status]}>{t(`builds.status.${status}`)}</Badge>
          </span>
        </h2>
        <p className="text-faint truncate text-sm">
          {formatDateTime(startedAt, i18n.language)} ·{' '}
          {formatDuration((finishedAt ?? now) - startedAt, i18n.language)} ·{' '}
          {t('builds.cachedOf', { cached, count: progress.steps.length })}
        </p>
      </div>
      {status === 'done' && progress.imageId !== '' && (
        <Button
          icon={Disc3}
          onClick={() => void navigate({ to: '/images', search: { image: progress.imageId } })}
        >
          {t('builds.showImage')}
        </Button>
      )}
      {status === 'running' && key !== undefined && (
        <Button icon={Square} onClick={() => cancelBuild(key)}>
          {t('common.cancel')}
        </Button>
      )}
    </div>
  );
}
