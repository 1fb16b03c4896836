import type { TFunction } from 'i18next';
import { ArrowUpFromLine, Download, Ellipsis, Layers, Play, RefreshCw, Tag, Trash2 } from 'lucide-react';
import { openRunDialog } from '../../containers/run-dialog-store.ts';
import { Badge } from '../../design/badge.tsx';
import { Button, IconButton } from '../../design/button.tsx';
import type { TableColumn } from '../../design/data-table-model.ts';
import { Menu } from '../../design/menu.tsx';
import { formatBytes } from '../../format/bytes.ts';
import { shortId } from '../../format/ids.ts';
import { formatAgo } from '../../format/time.ts';
import type { ImageRow } from './image-rows.ts';

/** What can be done with one image. */
export interface ImageActions {
  remove: (row: ImageRow) => void;
  /** A registry takes one name at a time. */
  push: (name: string) => void;
  tag: (row: ImageRow) => void;
  save: (row: ImageRow) => void;
  check: (row: ImageRow) => void;
  explore: (row: ImageRow) => void;
}

interface ColumnOptions {
  t: TFunction;
  language: string;
  now: number;
  /** Tags that point at another image in their registry by now. */
  newer: ReadonlySet<string>;
  onPull: (name: string) => void;
  actions: ImageActions;
}

export function imageColumns(options: ColumnOptions): TableColumn<ImageRow>[] {
  const { t, language, now, newer, onPull, actions } = options;
  return [
    {
      id: 'name',
      header: t('images.tagName'),
      width: 'minmax(10rem, 3fr)',
      sortValue: (row) => row.name,
      cell: (row) => (
        <span className="flex min-w-0 items-center gap-2">
          <span
            className={row.name ? 'truncate font-semibold' : 'text-faint truncate'}
            title={row.image.tags.join('\n') || row.image.id}
          >
            {row.name ?? t('images.danglingName')}
          </span>
          {row.name !== undefined && newer.has(row.name) && (
            <button type="button" className="shrink-0" onClick={() => onPull(row.reference)}>
              <Badge tone="accent" title={t('images.newerHint')}>
                {t('images.newer')}
              </Badge>
            </button>
          )}
          {row.otherTags.length > 0 && (
            <span className="shrink-0">
              <Badge title={row.otherTags.join('\n')}>+{row.otherTags.length}</Badge>
            </span>
          )}
        </span>
      ),
    },
    {
      id: 'use',
      header: t('containers.state'),
      width: '6.5rem',
      sortValue: (row) => row.use,
      cell: (row) => (
        <Badge
          tone={row.use === 'used' ? 'good' : row.use === 'dangling' ? 'warn' : 'idle'}
          title={row.use === 'used' ? t('images.users', { count: row.image.containers }) : undefined}
        >
          {row.use === 'used'
            ? t('common.inUse')
            : row.use === 'dangling'
              ? t('images.dangling')
              : t('common.unused')}
        </Badge>
      ),
    },
    {
      id: 'id',
      header: t('images.id'),
      width: '7rem',
      fromWidth: 820,
      cell: (row) => <code className="text-muted text-sm">{shortId(row.image.id)}</code>,
    },
    {
      id: 'created',
      header: t('common.created'),
      width: '8rem',
      fromWidth: 640,
      align: 'end',
      sortValue: (row) => -row.image.createdAt,
      cell: (row) => (
        <span className="text-muted truncate">{formatAgo(row.image.createdAt, now, language)}</span>
      ),
    },
    {
      id: 'size',
      header: t('common.size'),
      width: '5.5rem',
      align: 'end',
      sortValue: (row) => row.image.sizeBytes,
      cell: (row) => formatBytes(row.image.sizeBytes),
    },
    {
      id: 'actions',
      header: '',
      width: '9.5rem',
      align: 'end',
      cell: (row) => (
        <span className="flex items-center gap-1">
          <Button
            size="small"
            icon={Play}
            aria-label={t('images.runNamed', { name: row.reference })}
            onClick={() => openRunDialog(row.reference)}
          >
            {t('images.run')}
          </Button>
          <IconButton
            label={t('images.removeNamed', { name: row.reference })}
            hint={t('common.remove')}
            shortcut="Delete"
            icon={Trash2}
            danger
            onClick={() => actions.remove(row)}
          />
          <RowMenu row={row} t={t} actions={actions} />
        </span>
      ),
    },
  ];
}

function RowMenu({ row, t, actions }: { row: ImageRow; t: TFunction; actions: ImageActions }) {
  const named = row.name !== undefined;
  return (
    <Menu
      trigger={
        <button
          type="button"
          aria-label={t('common.actionsFor', { name: row.reference })}
          className="text-muted hover:text-text hover:bg-hover inline-flex size-7 items-center justify-center rounded-md"
        >
          <Ellipsis size={15} aria-hidden />
        </button>
      }
      items={[
        { label: t('images.layers'), icon: Layers, run: () => actions.explore(row) },
        { label: t('images.tag'), icon: Tag, run: () => actions.tag(row) },
        { label: t('images.save'), icon: Download, run: () => actions.save(row) },
        'separator',
        { label: t('images.check'), icon: RefreshCw, disabled: !named, run: () => actions.check(row) },
        ...row.image.tags.map((name) => ({
          label: row.otherTags.length > 0 ? t('images.pushNamed', { name }) : t('images.push'),
          icon: ArrowUpFromLine,
          run: () => actions.push(name),
        })),
      ]}
    />
  );
}
