import { ArrowDownToLine, ArrowUpFromLine, ChevronDown, ChevronRight, RotateCw, X } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useStore } from '../../api/store.ts';
import { Badge } from '../../design/badge.tsx';
import { Button, IconButton } from '../../design/button.tsx';
import { ProgressBar } from '../../design/progress-bar.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { summarize, type LayerTransfer } from './transfer-progress.ts';
import { cancelTransfer, dismissTransfer, retryTransfer, transfers, type Transfer } from './transfers.ts';

/** Pulls and pushes, those under way and those that ended and were not dismissed yet. */
export function TransfersPanel() {
  const { t } = useTranslation();
  const current = useStore(transfers);
  if (current.length === 0) return null;
  return (
    <section
      aria-label={t('images.transfers')}
      className="flex max-h-[45vh] shrink-0 flex-col gap-2 overflow-y-auto px-5 pb-3"
    >
      {current.map((transfer) => (
        <TransferCard key={transfer.key} transfer={transfer} />
      ))}
    </section>
  );
}

function TransferCard({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const { kind, name, state, layers, message, platform } = transfer;
  const [chosen, setChosen] = useState<boolean>();
  const summary = summarize(layers);
  const running = state === 'running';
  const expanded = chosen ?? running;
  const Icon = kind === 'pull' ? ArrowDownToLine : ArrowUpFromLine;
  const title = t(`images.transfer.${kind}.${state}`, { name });
  return (
    <article aria-label={title} className="border-line bg-surface rounded-lg border px-3 py-2">
      <header className="flex items-center gap-2">
        <IconButton
          label={t(expanded ? 'images.hideLayers' : 'images.showLayers')}
          icon={expanded ? ChevronDown : ChevronRight}
          aria-expanded={expanded}
          disabled={layers.length === 0}
          onClick={() => setChosen(!expanded)}
        />
        <Icon size={15} className="text-muted shrink-0" aria-hidden />
        <span className="min-w-0 truncate font-semibold" title={title}>
          {title}
        </span>
        {platform && <Badge>{platform}</Badge>}
        <span className="text-muted ml-auto shrink-0 text-sm whitespace-nowrap">
          {layers.length > 0 &&
            t('images.transferSummary', {
              done: summary.doneLayers,
              layers: summary.layers,
              current: formatBytes(summary.currentBytes),
              total: formatBytes(summary.totalBytes),
            })}
        </span>
        {running ? (
          <Button size="small" onClick={() => cancelTransfer(transfer.key)}>
            {t('common.cancel')}
          </Button>
        ) : (
          <>
            {state !== 'done' && (
              <Button size="small" icon={RotateCw} onClick={() => retryTransfer(transfer)}>
                {t('common.tryAgain')}
              </Button>
            )}
            <IconButton label={t('common.dismiss')} icon={X} onClick={() => dismissTransfer(transfer.key)} />
          </>
        )}
      </header>
      {(running || layers.length > 0) && (
        <div className="mt-1.5">
          <ProgressBar
            label={title}
            value={state === 'done' ? 1 : summary.fraction}
            tone={state === 'done' ? 'good' : state === 'failed' ? 'bad' : 'accent'}
          />
        </div>
      )}
      {message && (
        <p
          role={state === 'failed' ? 'alert' : undefined}
          data-selectable
          className={`mt-1.5 text-sm [overflow-wrap:anywhere] ${state === 'failed' ? 'text-bad' : 'text-muted'}`}
        >
          {message}
        </p>
      )}
      {expanded && layers.length > 0 && (
        <ul className="mt-2 flex flex-col gap-1">
          {layers.map((layer) => (
            <LayerLine key={layer.id} layer={layer} />
          ))}
        </ul>
      )}
    </article>
  );
}

function LayerLine({ layer }: { layer: LayerTransfer }) {
  const { id, status, phase, current, total } = layer;
  const fraction = phase === 'done' ? 1 : phase === 'waiting' ? 0 : total > 0 ? current / total : undefined;
  return (
    <li className="grid grid-cols-[6.5rem_minmax(7rem,11rem)_minmax(0,1fr)_9rem] items-center gap-3 text-sm">
      <code className="text-faint">{id}</code>
      <span className={phase === 'waiting' ? 'text-faint truncate' : 'truncate'} title={status}>
        {status}
      </span>
      <ProgressBar label={`${id} ${status}`} value={fraction} tone={phase === 'done' ? 'good' : 'accent'} />
      <span className="text-muted text-end whitespace-nowrap tabular-nums">
        {total > 0 &&
          (phase === 'done' ? formatBytes(total) : `${formatBytes(current)} / ${formatBytes(total)}`)}
      </span>
    </li>
  );
}
