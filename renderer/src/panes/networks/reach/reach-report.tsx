import { CircleCheck, CircleDashed, CircleHelp, CircleX } from 'lucide-react';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { ReachReport } from '../../../../../electron/api/types.ts';
import { cx } from '../../../design/class-names.ts';
import { toSteps, wordsOf } from './reach-steps.ts';
import type { ReachStep } from './reach-steps.ts';

const icons = { ok: CircleCheck, failed: CircleX, skipped: CircleDashed, unknown: CircleHelp };
const colors = { ok: 'text-good', failed: 'text-bad', skipped: 'text-faint', unknown: 'text-muted' };

/** The verdict in words, what to do, and the way hop by hop. */
export function ReachReportView({ report }: { report: ReachReport }) {
  const { t } = useTranslation();
  const { verdict, failingHop } = report;
  const words = wordsOf(report);
  const isFine = failingHop === '';
  const section = useRef<HTMLElement>(null);
  useEffect(() => {
    section.current?.scrollIntoView({ block: 'end' });
  }, []);
  return (
    <section
      ref={section}
      aria-live="polite"
      aria-label={t('reach.steps')}
      className="flex flex-col gap-3"
      data-selectable
    >
      <div
        role="status"
        data-verdict={verdict}
        className={cx('rounded-lg px-3 py-2', isFine ? 'bg-good-soft' : 'bg-bad-soft')}
      >
        <p className={cx('font-semibold break-words', isFine ? 'text-good' : 'text-bad')}>
          {t(`reach.verdict.${verdict}`, words)}
        </p>
        {verdict !== 'reachable' && verdict !== 'listening' && verdict !== 'silent' && (
          <p className="mt-0.5">{t(`reach.advice.${verdict}`)}</p>
        )}
      </div>
      <ol className="flex flex-col gap-2">
        {toSteps(report, t).map((step) => (
          <StepLine key={step.hop} step={step} />
        ))}
      </ol>
    </section>
  );
}

function StepLine({ step: { hop, outcome, facts } }: { step: ReachStep }) {
  const { t } = useTranslation();
  const Icon = icons[outcome];
  return (
    <li className="flex gap-2.5">
      <Icon size={16} aria-hidden className={cx('mt-0.5 shrink-0', colors[outcome])} />
      <div className="min-w-0">
        <p>
          <span className={cx('font-semibold', outcome === 'skipped' && 'text-muted')}>
            {t(`reach.hop.${hop}`)}
          </span>
          <span className={cx('ml-2 text-sm', colors[outcome])}>{t(`reach.outcome.${outcome}`)}</span>
        </p>
        {facts.map((fact) => (
          <p key={fact} className="text-muted text-sm [overflow-wrap:anywhere]">
            {fact}
          </p>
        ))}
      </div>
    </li>
  );
}
