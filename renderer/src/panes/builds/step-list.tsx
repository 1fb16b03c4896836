import { Check, ChevronRight, CircleSlash, LoaderCircle, X, Zap } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Badge } from '../../design/badge.tsx';
import { cx } from '../../design/class-names.ts';
import { AnsiText } from './ansi-text.tsx';
import type { BuildStep } from './build-steps.ts';
import { formatDuration, useTicking } from './lasting.ts';
import { missText } from './miss-text.ts';

export function StepList({ steps, isRunning }: { steps: readonly BuildStep[]; isRunning: boolean }) {
  const { t } = useTranslation();
  if (steps.length === 0) {
    return <p className="text-faint px-5 py-3">{isRunning ? t('builds.sending') : t('builds.noSteps')}</p>;
  }
  return (
    <ol aria-label={t('builds.steps')} className="py-1.5">
      {steps.map((step) => (
        <StepRow key={step.number} step={step} />
      ))}
    </ol>
  );
}

/** Opens by itself while it runs and when it failed; what the user chose stays. */
function StepRow({ step }: { step: BuildStep }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<boolean>();
  const { number, total, source, state, output } = step;
  const notCached = step.notCached && missText(step.notCached, t);
  const isLong = source.includes('\n');
  const canOpen = output !== '' || notCached !== undefined || isLong;
  const isOpen = canOpen && (chosen ?? (state === 'failed' || state === 'running'));
  return (
    <li className="border-line border-b last:border-b-0">
      <button
        type="button"
        aria-expanded={canOpen ? isOpen : undefined}
        disabled={!canOpen}
        onClick={() => setChosen(!isOpen)}
        className="enabled:hover:bg-hover flex w-full min-w-0 items-center gap-2.5 px-5 py-1.5 text-left"
      >
        <ChevronRight
          size={14}
          aria-hidden
          className={cx(
            'text-faint shrink-0 transition-transform',
            isOpen && 'rotate-90',
            !canOpen && 'invisible',
          )}
        />
        <StateIcon state={state} />
        <span className="text-faint w-11 shrink-0 text-sm tabular-nums">
          {number}/{total}
        </span>
        <code className="min-w-0 flex-1 truncate text-sm" title={source}>
          {source.split('\n', 1)[0]}
        </code>
        <span className="shrink-0">
          <Badge title={notCached} tone={state === 'cached' ? 'accent' : state === 'failed' ? 'bad' : 'idle'}>
            {t(`builds.state.${state}`)}
          </Badge>
        </span>
        <StepTime step={step} />
      </button>
      {isOpen && (
        <div className="flex flex-col gap-2 pr-5 pb-2.5 pl-[4.1rem]">
          {isLong && (
            <pre className="text-muted overflow-x-auto text-sm" data-selectable>
              {source}
            </pre>
          )}
          {notCached !== undefined && (
            <p className="text-muted text-sm break-words" data-selectable>
              <span className="text-warn font-semibold">{t('builds.notCached')}</span> {notCached}
            </p>
          )}
          {output !== '' && <AnsiText text={output} label={t('builds.outputOf', { number })} />}
        </div>
      )}
    </li>
  );
}

function StateIcon({ state }: { state: BuildStep['state'] }) {
  const common = { size: 14, 'aria-hidden': true } as const;
  if (state === 'running') return <LoaderCircle {...common} className="text-accent shrink-0 animate-spin" />;
  if (state === 'cached') return <Zap {...common} className="text-accent shrink-0" />;
  if (state === 'done') return <Check {...common} className="text-good shrink-0" />;
  if (state === 'failed') return <X {...common} className="text-bad shrink-0" />;
  return <CircleSlash {...common} className="text-faint shrink-0" />;
}

function StepTime({ step: { state, startedAt, finishedAt } }: { step: BuildStep }) {
  const { i18n } = useTranslation();
  const now = useTicking(state === 'running');
  const until = finishedAt ?? (state === 'running' ? now : undefined);
  return (
    <span className="text-faint w-14 shrink-0 text-right text-sm tabular-nums">
      {startedAt !== undefined && until !== undefined && formatDuration(until - startedAt, i18n.language)}
    </span>
  );
}
