import { useQuery } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { LayerChange, LayerChanges } from '../../../../electron/api/types.ts';
import { queries } from '../../api/client.ts';
import { Badge } from '../../design/badge.tsx';
import { Card } from '../../design/card.tsx';
import { Input } from '../../design/field.tsx';
import { ErrorState, SkeletonBlock } from '../../design/states.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { historyCommand } from './history-command.ts';

/** What each layer adds, changes and deletes; read from the layers themselves when it is opened. */
export function ImageLayersTab({ id }: { id: string }) {
  const { t } = useTranslation();
  const query = useQuery({ ...queries.images.layers.queryOptions({ input: { id } }), staleTime: Infinity });
  const [chosen, setChosen] = useState<number>();
  if (query.isPending) return <SkeletonBlock lines={8} />;
  if (query.isError) return <ErrorState error={query.error} retry={() => void query.refetch()} />;
  const { layers, wastedBytes } = query.data;
  const largest = Math.max(1, ...layers.map(({ sizeBytes }) => sizeBytes));
  const total = layers.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const index = chosen ?? layers.length - 1;
  const layer = layers[index];
  return (
    <div className="flex flex-col gap-4">
      <Card
        title={t('images.layersTitle', { count: layers.length })}
        aside={
          <Badge tone={wastedBytes > 0 ? 'warn' : 'good'} title={t('images.wastedHint')}>
            {wastedBytes > 0
              ? t('images.wasted', {
                  size: formatBytes(wastedBytes),
                  percent: Math.round((wastedBytes / Math.max(1, total)) * 100),
                })
              : t('images.wastedNothing')}
          </Badge>
        }
      >
        <ol className="flex flex-col gap-0.5">
          {layers.map((each, position) => (
            <LayerButton
              key={position}
              layer={each}
              number={position + 1}
              share={each.sizeBytes / largest}
              pressed={position === index}
              onClick={() => setChosen(position)}
            />
          ))}
        </ol>
      </Card>
      {layer && <LayerFiles key={index} layer={layer} number={index + 1} />}
    </div>
  );
}

function LayerButton(props: {
  layer: LayerChanges;
  number: number;
  /** Of the largest layer, 0 to 1. */
  share: number;
  pressed: boolean;
  onClick: () => void;
}) {
  const { t } = useTranslation();
  const { layer, number, share, pressed, onClick } = props;
  return (
    <li>
      <button
        type="button"
        aria-pressed={pressed}
        onClick={onClick}
        className={`grid w-full grid-cols-[1.5rem_minmax(0,1fr)_5rem_5.5rem] items-center gap-3 rounded-md px-2 py-1.5 text-start transition-colors ${pressed ? 'bg-accent-soft' : 'hover:bg-hover'}`}
      >
        <span className="text-faint text-sm tabular-nums">{number}</span>
        <code className="truncate text-sm" title={layer.createdBy}>
          {historyCommand(layer.createdBy) || t('images.layerUnnamed')}
        </code>
        <span className="bg-pressed h-1.5 overflow-hidden rounded-full" aria-hidden>
          <span
            className="bg-accent block h-full rounded-full"
            style={{ width: `${Math.max(2, share * 100)}%` }}
          />
        </span>
        <span className="text-muted text-end text-sm whitespace-nowrap tabular-nums">
          {formatBytes(layer.sizeBytes)}
        </span>
      </button>
    </li>
  );
}

const tones = { added: 'good', changed: 'warn', deleted: 'bad' } as const;
/** Rows drawn at once; the filter finds the rest. */
const shownEntries = 300;

function LayerFiles({ layer, number }: { layer: LayerChanges; number: number }) {
  const { t } = useTranslation();
  const [filter, setFilter] = useState('');
  const [only, setOnly] = useState<LayerChange['change']>();
  const matching = useMemo(
    () =>
      layer.entries.filter(
        ({ path, change }) => path.includes(filter) && (only === undefined || change === only),
      ),
    [layer, filter, only],
  );
  const counts = { added: layer.added, changed: layer.changed, deleted: layer.deleted };
  return (
    <Card title={t('images.layerFiles', { number })}>
      <div className="mb-2 flex flex-wrap items-center gap-2">
        {(['added', 'changed', 'deleted'] as const).map((change) => (
          <button
            key={change}
            type="button"
            aria-pressed={only === change}
            onClick={() => setOnly(only === change ? undefined : change)}
            className={`rounded-sm ${only === change ? 'outline-accent outline-2' : ''}`}
          >
            <Badge tone={tones[change]}>{t(`images.count.${change}`, { count: counts[change] })}</Badge>
          </button>
        ))}
        {layer.wastedBytes > 0 && (
          <span className="text-muted text-sm">
            {t('images.layerHides', { size: formatBytes(layer.wastedBytes) })}
          </span>
        )}
        <Input
          type="search"
          aria-label={t('images.filterFiles')}
          placeholder={t('images.filterFiles')}
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
          className="ml-auto max-w-50"
        />
      </div>
      {matching.length === 0 ? (
        <p className="text-faint py-2">{t('images.noFiles')}</p>
      ) : (
        <ul className="divide-line divide-y">
          {matching.slice(0, shownEntries).map((entry) => (
            <FileLine key={`${entry.change} ${entry.path}`} entry={entry} />
          ))}
        </ul>
      )}
      {matching.length > shownEntries || layer.unlisted > 0 ? (
        <p className="text-faint mt-2 text-sm">
          {t('images.moreFiles', { count: Math.max(0, matching.length - shownEntries) + layer.unlisted })}
        </p>
      ) : null}
    </Card>
  );
}

function FileLine({ entry }: { entry: LayerChange }) {
  const { t } = useTranslation();
  const { path, kind, change, sizeBytes } = entry;
  return (
    <li className="grid grid-cols-[5.5rem_minmax(0,1fr)_5.5rem] items-center gap-3 py-1">
      <span>
        <Badge tone={tones[change]}>{t(`images.change.${change}`)}</Badge>
      </span>
      <code className="truncate text-sm" title={path}>
        {path}
        {kind === 'directory' && '/'}
      </code>
      <span className="text-muted text-end text-sm whitespace-nowrap tabular-nums">
        {sizeBytes > 0 ? formatBytes(sizeBytes) : ''}
      </span>
    </li>
  );
}
