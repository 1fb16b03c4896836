import { useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import type { KeyboardEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { cx } from './class-names.ts';
import { features, isTableSort, toColumnDefs } from './data-table-model.ts';
import type { TableColumn } from './data-table-model.ts';
import { useElementWidth } from './element-size.ts';
import { Checkbox } from './field.tsx';
import { useRemembered } from './remembered.ts';
import { toTableItems } from './table-items.ts';

interface DataTableProps<T> {
  /** Names the table for screen readers and the remembered sort. */
  id: string;
  label: string;
  rows: T[];
  columns: TableColumn<T>[];
  rowId: (row: T) => string;
  rowName: (row: T) => string;
  initialSort: { id: string; desc: boolean };
  onOpen?: (row: T) => void;
  /** A key pressed on a focused row; return true when it was used. */
  onRowKey?: (row: T, key: string) => boolean;
  selection?: ReadonlySet<string>;
  onSelectionChange?: (selection: ReadonlySet<string>) => void;
  groupOf?: (row: T) => string | undefined;
  collapsed?: ReadonlySet<string>;
  renderGroup?: (key: string, rows: T[]) => ReactNode;
  rowClassName?: (row: T) => string | undefined;
  /** Drawn instead of rows when there are none. */
  empty: ReactNode;
}

const rowHeight = 42;

/** The one table of the app: sortable, virtualised, selectable, driven by keyboard; rows are a CSS grid. */
export function DataTable<T extends object>(props: DataTableProps<T>) {
  const { rows, columns, rowId, selection, onSelectionChange } = props;
  const { t } = useTranslation();
  const [sort, setSort] = useRemembered(`table.${props.id}.sort`, props.initialSort, isTableSort);
  const scroller = useRef<HTMLDivElement>(null);
  const width = useElementWidth(scroller);
  const shown = useMemo(
    () => columns.filter((column) => width === 0 || width >= (column.fromWidth ?? 0)),
    [columns, width],
  );
  const definitions = useMemo(() => toColumnDefs(columns), [columns]);
  const sorting = useMemo(() => [sort], [sort]);
  const rowSelection = useMemo(
    () => Object.fromEntries([...(selection ?? [])].map((id) => [id, true as const])),
    [selection],
  );
  const table = useTable({
    features,
    columns: definitions,
    data: rows,
    getRowId: rowId,
    state: { sorting, rowSelection },
    enableSortingRemoval: false,
    onSortingChange: (update) => {
      const next = typeof update === 'function' ? update(sorting) : update;
      if (next[0]) setSort(next[0]);
    },
    onRowSelectionChange: (update) => {
      const next = typeof update === 'function' ? update(rowSelection) : update;
      onSelectionChange?.(new Set(Object.keys(next).filter((id) => next[id])));
    },
  });
  const sorted = table.getRowModel().rows;
  const items = useMemo(
    () =>
      toTableItems(
        sorted.map((row) => row.original),
        props.groupOf,
        props.collapsed ?? new Set(),
      ),
    [sorted, props.groupOf, props.collapsed],
  );
  // The virtualizer is a mutable object by design; the React Compiler is not in use.
  // oxlint-disable-next-line react/incompatible-library
  const virtualizer = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => {
      const item = items[index];
      return item ? (item.kind === 'group' ? `group ${item.key}` : rowId(item.row)) : index;
    },
    overscan: 6,
  });
  const [active, setActive] = useState(0);
  const template = `${onSelectionChange ? '2.25rem ' : ''}${shown.map((column) => column.width).join(' ')}`;

  const focusItem = (index: number) => {
    const next = Math.max(0, Math.min(items.length - 1, index));
    setActive(next);
    virtualizer.scrollToIndex(next);
    requestAnimationFrame(() => {
      scroller.current?.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
    });
  };
  const toggle = (id: string) => table.getRow(id).toggleSelected();
  const onKeyDown = (event: KeyboardEvent, index: number) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return;
    const item = items[index];
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: index - 1,
      Home: 0,
      End: items.length - 1,
      PageDown: index + 12,
      PageUp: index - 12,
    };
    const move = moves[event.key];
    if (move !== undefined) focusItem(move);
    else if (item?.kind !== 'row') return;
    else if (event.key === 'Enter' && props.onOpen) props.onOpen(item.row);
    else if (event.key === ' ' && onSelectionChange) toggle(rowId(item.row));
    else if (!props.onRowKey?.(item.row, event.key)) return;
    event.preventDefault();
  };

  return (
    <div
      ref={scroller}
      role="table"
      aria-label={props.label}
      aria-rowcount={items.length + 1}
      className="h-full overflow-x-hidden overflow-y-auto outline-none"
    >
      <div role="rowgroup" className="bg-canvas sticky top-0 z-10">
        <div
          role="row"
          aria-rowindex={1}
          className="border-line text-muted grid h-8 items-center gap-3 border-b px-5 text-sm"
          style={{ gridTemplateColumns: template }}
        >
          {onSelectionChange && (
            <span role="columnheader" aria-label={t('common.select')}>
              <Checkbox
                hideLabel
                label={t('common.selectAll')}
                disabled={rows.length === 0}
                checked={table.getIsAllRowsSelected() || (table.getIsSomeRowsSelected() && 'indeterminate')}
                onChange={(checked) => table.toggleAllRowsSelected(checked)}
              />
            </span>
          )}
          {shown.map((column) => {
            const direction = sort.id === column.id ? (sort.desc ? 'descending' : 'ascending') : 'none';
            return (
              <span
                key={column.id}
                role="columnheader"
                aria-sort={column.sortValue ? direction : undefined}
                className={cx('flex min-w-0', column.align === 'end' && 'justify-end')}
              >
                {column.sortValue ? (
                  <button
                    type="button"
                    onClick={() => table.getColumn(column.id)?.toggleSorting()}
                    className={cx(
                      'hover:text-text inline-flex min-w-0 items-center gap-1 rounded-sm',
                      direction !== 'none' && 'text-text font-semibold',
                    )}
                  >
                    <span className="truncate">{column.header}</span>
                    {direction === 'ascending' && <ArrowUp size={12} aria-hidden />}
                    {direction === 'descending' && <ArrowDown size={12} aria-hidden />}
                  </button>
                ) : (
                  <span className="truncate">{column.header}</span>
                )}
              </span>
            );
          })}
        </div>
      </div>
      {items.length === 0 ? (
        props.empty
      ) : (
        <div role="rowgroup" className="relative" style={{ height: virtualizer.getTotalSize() }}>
          {virtualizer.getVirtualItems().map((virtual) => {
            const item = items[virtual.index];
            if (!item) return null;
            const common = {
              role: 'row',
              'aria-rowindex': virtual.index + 2,
              'data-index': virtual.index,
              tabIndex: virtual.index === Math.min(active, items.length - 1) ? 0 : -1,
              onKeyDown: (event: KeyboardEvent) => onKeyDown(event, virtual.index),
              onFocus: () => setActive(virtual.index),
              style: {
                transform: `translateY(${virtual.start}px)`,
                height: rowHeight,
                ...(item.kind === 'row' ? { gridTemplateColumns: template } : {}),
              },
            };
            if (item.kind === 'group') {
              return (
                <div
                  key={virtual.key}
                  {...common}
                  className="border-line bg-sidebar absolute inset-x-0 top-0 flex items-center border-b px-5 focus-visible:-outline-offset-2"
                >
                  {props.renderGroup?.(item.key, item.rows)}
                </div>
              );
            }
            const id = rowId(item.row);
            const selected = selection?.has(id) ?? false;
            return (
              <div
                key={virtual.key}
                {...common}
                aria-selected={selection ? selected : undefined}
                onClick={(event) => {
                  if (isPlainClick(event.target)) props.onOpen?.(item.row);
                }}
                className={cx(
                  'group border-line absolute inset-x-0 top-0 grid items-center gap-3 border-b px-5 focus-visible:-outline-offset-2',
                  selected ? 'bg-accent-soft' : 'hover:bg-hover',
                  props.rowClassName?.(item.row),
                )}
              >
                {onSelectionChange && (
                  <span role="cell">
                    <Checkbox
                      hideLabel
                      label={t('common.selectNamed', { name: props.rowName(item.row) })}
                      checked={selected}
                      onChange={() => toggle(id)}
                    />
                  </span>
                )}
                {shown.map((column, index) => (
                  <div
                    key={column.id}
                    role="cell"
                    className={cx(
                      'flex min-w-0 items-center',
                      column.align === 'end' && 'justify-end',
                      index === 0 && item.grouped && 'pl-5',
                    )}
                  >
                    {column.cell(item.row)}
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      )}
    </div>
  );
}

/** A click on the row itself, not on a control in it nor at the end of a text selection. */
function isPlainClick(target: EventTarget): boolean {
  if (!(target instanceof Element)) return false;
  if (target.closest('button, a, input, [role=menu], [role=checkbox]')) return false;
  return window.getSelection()?.isCollapsed ?? true;
}
